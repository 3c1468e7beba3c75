"""Where the test environment looks into the edge: each call as it comes and goes, how it ended, and why.

The edge calls it, where there is one; production has none. `openers.worlds` implements it. An observer may hold a call
up or refuse it, and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from openers.api.call import Call, Reply
from openers.api.request import Request, Scope
from openers.domain.errors import OpenersError
from openers.usecases.world import World
from openers.wire.outcome import Problem

WATCHED: Final = "openers.watched"
"""Under which an observer keeps what it knows of a call in the call's scope, so that the edge asks it once."""

Serve = Callable[[Scope, Any, Any], Awaitable[None]]
"""An ASGI application."""


class Observer(Protocol):
    """Sees each call, and may stand in its way."""

    async def watch(self, serve: Serve, scope: Scope, receive: Any, send: Any) -> None:
        """Have `serve` answer the request, with `WATCHED` in its scope."""
        ...

    async def carry_out(self, request: Request, call: Call) -> Reply:
        """Run the operation of a call that may be made. Raises what it raises, and Stop or ClientGone in its place."""
        ...

    def refused(self, request: Request, world: World, problem: Problem, error: OpenersError | None) -> None:
        """Hear why a call is refused; `error` is the rule's own word, where a rule refused it."""
        ...
