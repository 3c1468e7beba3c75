"""The home page at `/`, as HTML for browsers and as JSON, and pages of text: routes of pages without personal data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.dialects import ProblemDialect
from openers.api.health import Health
from openers.api.http.reply import Reply, reply_of
from openers.api.interaction import ActiveCall, Interaction, Loop, Trace

HOME: Final = "/"
PAGE: Final = Interaction(audit="", operation="pages", dialect=ProblemDialect(), trace=Trace.NOTHING, own_hosts=True)
"""Pages without personal data: nothing in the audit or in the list of calls."""
Show = Callable[[ActiveCall, dict[str, object]], Awaitable[Response]]
"""Returns the page for a call and the report of the service's health."""


def home_route(loop: Loop, health: Health, show: Show) -> Route:
    """Return the route of the home page."""

    async def _serve(call: ActiveCall) -> Reply:
        return reply_of(await show(call, (await health.report(call.world))[1]))

    return route(loop, HOME, {"GET": Declared(PAGE, _serve)})


def page_route(loop: Loop, path: str, show: Callable[[ActiveCall], Response]) -> Route:
    """Return the route of a page that `show` returns for a call."""

    async def _serve(call: ActiveCall) -> Reply:
        return reply_of(show(call))

    return route(loop, path, {"GET": Declared(PAGE, _serve)})
