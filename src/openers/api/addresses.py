"""Route requests outside the FHIR base: declare the interaction of each address and handle unknown addresses.

An address declares an interaction and a handler for each method. HEAD returns the headers of GET without a body. Other
methods return 405. An unknown address returns 404 and suggests the FHIR address that the caller probably meant. A slash
at the end of the path makes no difference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from starlette.routing import Match, Route

from openers.api.dialects import ProblemDialect
from openers.api.edge import PREFIX
from openers.api.http.reply import Reply
from openers.api.http.request import Request, Scope, Stop, bounded
from openers.api.interaction import ActiveCall, Handler, Interaction, Loop, Trace
from openers.api.renderings import ByAddress
from openers.wire import problems
from openers.wire.versions import VERSIONS

PUBLIC: Final = Interaction(audit="", operation="", dialect=ProblemDialect(), trace=Trace.OBSERVED)
"""A public document or an unknown address: the reply contains no personal data and the call is not audited."""
LONGEST_SHOWN: Final = 200
"""Characters of an unknown path that the reply repeats."""


READING: Final = frozenset({"GET", "HEAD"})
"""Methods whose body is not read, so that `receive` only waits for the client to disconnect."""


class Declared(NamedTuple):
    """A kind of call and its handler."""

    interaction: Interaction
    handler: Handler


class Endpoint:
    """The ASGI application at one address."""

    def __init__(self, loop: Loop, methods: Mapping[str, Declared]) -> None:
        """Store the declared methods, at least one. The first one decides how a call with another method is refused."""
        self._loop, self._methods = loop, methods
        self._first = next(iter(methods.values())).interaction
        self._allowed = ", ".join(sorted(methods))

    @property
    def methods(self) -> Iterable[str]:
        """Return the declared methods."""
        return self._methods

    def __call__(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one HTTP request."""
        if self._first.trace.is_observed:
            return self._loop.observer.watch(self._run, scope, receive, send)
        return self._run(scope, receive, send)

    def _run(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        request = Request(scope, "")
        method = "GET" if request.method == "HEAD" else request.method
        if request.method not in READING:
            receive = bounded(receive, self._loop.most_body_bytes, self._loop.body_within_s)
        interaction, handler = self._methods.get(method) or (self._first, self._no_such_method)
        return self._loop.run(interaction, request, (receive, send), handler)

    async def _no_such_method(self, call: ActiveCall) -> Reply:
        raise Stop(problems.method_not_allowed(call.request.method, self._allowed))


def route(loop: Loop, path: str, methods: Mapping[str, Declared]) -> Route:
    """Return a route for `Addresses`. `{name}` in the path is a parameter."""
    return Route(path, Endpoint(loop, methods))


def document(loop: Loop, path: str, body: bytes, headers: Mapping[str, str]) -> Route:
    """Return the route of a document that is the same for each caller. Names in `headers` are lower case."""
    reply = _document(body, headers)

    async def _serve(call: ActiveCall) -> Reply:
        return reply

    return route(loop, path, {"GET": Declared(PUBLIC, _serve)})


def document_of(loop: Loop, path: str, make: Callable[[str], bytes], headers: Mapping[str, str]) -> Route:
    """Return the route of a document that `make` writes for the address of a world."""
    replies = ByAddress(lambda base_url: _document(make(base_url), headers))

    async def _serve(call: ActiveCall) -> Reply:
        return replies.of(call.world.base_url)

    return route(loop, path, {"GET": Declared(PUBLIC, _serve)})


def _document(body: bytes, headers: Mapping[str, str]) -> Reply:
    kept = {"cache-control": "no-cache", **headers}
    return Reply(200, body, tuple((name.encode(), value.encode()) for name, value in kept.items()))


class Addresses:
    """All addresses outside the FHIR edge: an ASGI application. Test mode adds its own to `routes`."""

    def __init__(self, loop: Loop, routes: Iterable[Route]) -> None:
        """Store the routes; if two match, the first one serves the request."""
        self.loop, self.routes = loop, list(routes)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one HTTP request."""
        path: str = scope["path"]
        for tried in dict.fromkeys((path, path.rstrip("/"))):
            for each in self.routes:
                match, found = each.matches({**scope, "path": tried})
                if match is Match.FULL:
                    return await each.handle({**scope, **found}, receive, send)
        return await self.loop.observer.watch(self._unknown, scope, receive, send)

    def _unknown(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        return self.loop.run(PUBLIC, Request(scope, ""), (receive, send), _no_such_address)


async def _no_such_address(call: ActiveCall) -> Reply:
    path = call.request.scope["path"][:LONGEST_SHOWN]
    raise Stop(problems.unknown_path(path, _meant(path)))


def _meant(path: str) -> str | None:
    """Return the FHIR address that corresponds to a path with another base."""
    for version in VERSIONS:
        before, found, rest = path.partition(f"/{version.name}/")
        if found and before != PREFIX:
            return f"{PREFIX}{found}{rest}"
    return None
