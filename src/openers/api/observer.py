"""Where the test environment looks into the loop: each call as it comes and goes, how it ended, and why.

The loop asks its observer at three points. Production has one that sees nothing (`UNOBSERVED`); test mode hands in its
own, which `openers.worlds` implements. An observer may hold a call up or refuse it, and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from openers.api.call import Call, Handler
from openers.api.http.reply import Reply
from openers.api.http.request import Request, Scope
from openers.domain.errors import OpenersError
from openers.usecases.world import World
from openers.wire.dialect import Problem

WATCHED: Final = "openers.watched"
"""Under which an observer keeps what it knows of a call in the call's scope."""

Serve = Callable[[Scope, Any, Any], Awaitable[None]]
"""An ASGI application."""


class Observer(Protocol):
    """Sees each call, and may stand in its way."""

    def watch(self, serve: Serve, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Have `serve` answer the request."""
        ...

    def carry_out(self, request: Request, call: Call, handler: Handler) -> Awaitable[Reply]:
        """Have `handler` carry out a call that may be made: its reply. Raises as it does, Stop and ClientGone."""
        ...

    def refused(self, request: Request, world: World, problem: Problem, error: OpenersError | None) -> None:
        """Hear why a call is refused; `error` is the rule's own word, where a rule refused it."""
        ...


class Unobserved:
    """Sees nothing and stands in nobody's way: the observer of production. It costs no step of the event loop."""

    def watch(self, serve: Serve, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Have `serve` answer the request."""
        return serve(scope, receive, send)

    def carry_out(self, request: Request, call: Call, handler: Handler) -> Awaitable[Reply]:
        """Run the operation."""
        return handler(call)

    def refused(self, request: Request, world: World, problem: Problem, error: OpenersError | None) -> None:
        """Forget it."""


UNOBSERVED: Final = Unobserved()
