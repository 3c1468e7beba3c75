"""Lets the test environment observe the loop: each call before and after it runs, and why it was refused.

The loop calls its observer at three points. Production uses `UNOBSERVED`, which does nothing; test mode passes its own
from `openers.worlds`. An observer may delay or refuse a call and changes nothing else.
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
"""Key in a call's scope under which an observer keeps its data about the call."""

Serve = Callable[[Scope, Any, Any], Awaitable[None]]
"""An ASGI application."""


class Observer(Protocol):
    """Sees each call, and may delay or refuse it."""

    def watch(self, serve: Serve, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Run `serve` for the request."""
        ...

    def carry_out(self, request: Request, call: Call, handler: Handler) -> Awaitable[Reply]:
        """Run `handler` for an admitted call and return its reply. Raises as the handler does, Stop and ClientGone."""
        ...

    def refused(self, request: Request, world: World, problem: Problem, error: OpenersError | None) -> None:
        """Receive the reason for a refusal; `error` is the domain error, if a rule refused the call."""
        ...


class Unobserved:
    """The observer of production, which does nothing. It adds no step of the event loop."""

    def watch(self, serve: Serve, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Run `serve` for the request."""
        return serve(scope, receive, send)

    def carry_out(self, request: Request, call: Call, handler: Handler) -> Awaitable[Reply]:
        """Run the operation."""
        return handler(call)

    def refused(self, request: Request, world: World, problem: Problem, error: OpenersError | None) -> None:
        """Do nothing."""


UNOBSERVED: Final = Unobserved()
