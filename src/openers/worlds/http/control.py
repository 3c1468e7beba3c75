"""Shared parts of all addresses below `/_test`: the world of a request, JSON in and out, and refusals.

Requests need no permission, since test mode has only synthetic people. A foreign web page cannot make a browser change
anything here: the Origin header identifies such calls, and JSON needs its own Content-Type.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers.api.addresses import Declared
from openers.api.addresses import route as declared
from openers.api.dialects import PLAIN, problem_of, refusal_headers
from openers.api.http.media import media_of
from openers.api.http.reply import Header, Reply, reply_of
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall, Dialect, Interaction, Loop, Trace
from openers.api.interaction import Handler as LoopHandler
from openers.domain.audit import AuditEntry
from openers.domain.errors import Conflict, Failure, OpenersError, Unavailable
from openers.usecases.world import World
from openers.wire.dialect import Problem
from openers.wire.rules import Check, Rule
from openers.worlds.packs import PackError
from openers.worlds.refusals import BadCall, CantBeMade, FromElsewhere, NotJson, Refusal
from openers.worlds.running.running_world import HELD, RunningWorld

ALWAYS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
JSON: Final = "application/json"
_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-type", JSON.encode()),
    *((name.lower().encode(), value.encode()) for name, value in ALWAYS.items()),
)
DIGITS: Final = 18
"""Maximum digits of a number in a query or header; it fits 64 bits."""
READING: Final = frozenset({"GET", "HEAD"})
HOME: Final = "/_test/"
RULE: Final = Rule(Check.RULE, "TEST_CONTROL", "docs/reference/addresses.md")

Sent = TypeVar("Sent")
Handler = Callable[[Request], Awaitable[object]]
"""Handles a call. Its result is sent as JSON unless it is a `Response`."""


class ControlDialect(msgspec.Struct, frozen=True):
    """Refusals as JSON with one sentence."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal as JSON."""
        problem = _problem_of(error)
        headers = (*_HEADERS, _help(call.world.root), *refusal_headers(problem))
        return problem, Reply(problem.status, msgspec.json.encode({"error": problem.diagnostics}), headers)


def _help(root: str) -> Header:
    """Return a link to the page that explains test control."""
    return b"link", f'<{root}{HOME}>; rel="help"'.encode()


def interaction(dialect: Dialect) -> Interaction:
    """Declare calls below `/_test`: not observed, and only refusals are audited, since each change has its own entry.

    So looking at a world does not change it, and its forks still share its last copy.
    """
    return Interaction(audit="Test Control", operation="/_test", dialect=dialect, trace=Trace.REFUSALS, own_hosts=True)


CONTROL: Final = interaction(ControlDialect())


class Offered(NamedTuple):
    """An address below `/_test`: a handler for each method, and how refusals are written."""

    path: str
    methods: Mapping[str, Handler]
    interaction: Interaction = CONTROL


def route(path: str, methods: Mapping[str, Handler]) -> Offered:
    """Return an address that writes refusals as JSON."""
    return Offered(path, methods)


def routes_of(loop: Loop, offered: Iterable[Offered]) -> list[Route]:
    """Return the routes of addresses, run by the loop."""
    return [
        declared(
            loop, each.path, {name: Declared(each.interaction, _run(handler)) for name, handler in each.methods.items()}
        )
        for each in offered
    ]


def _run(handler: Handler) -> LoopHandler:
    async def _serve(call: ActiveCall) -> Reply:
        try:
            answer = await refusing(call.http(), handler)
        except Refusal as error:
            raise Stop(_told(error)) from error
        return reply_of(answer if isinstance(answer, Response) else json_reply(answer))

    return _serve


def refuse(error: Refusal) -> LoopHandler:
    """Return a handler that always refuses, for calls to an unknown world."""

    async def _serve(call: ActiveCall) -> Reply:
        raise Stop(_told(error)) from error

    return _serve


def _told(error: Refusal) -> Problem:
    return Problem(status=error.status, rule=RULE, code=type(error).__name__, diagnostics=error.text)


def _problem_of(error: Exception) -> Problem:
    """Return the problem that describes an error."""
    match error:
        case Failure() | Conflict():
            told = problem_of(Unavailable(type(error).__name__), PLAIN)
            return msgspec.structs.replace(told, diagnostics=not_available(error))
        case _:
            return problem_of(error, PLAIN)


async def refusing(request: Request, handler: Handler) -> object:
    """Return the result of the handler. Raises a Refusal, also for a request from a foreign web page."""
    origin = request.headers.get("origin")
    if request.method not in READING and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise FromElsewhere(
            f"Origin: calls from pages of {origin[:100]!r} are refused; only pages of this service may call"
        )
    try:
        return await handler(request)
    except PackError as error:
        raise CantBeMade(str(error)) from error


def not_available(error: OpenersError) -> str:
    """Return the text for a failure of a dependency."""
    return f"Not available: {type(error).__name__}. Try again later"


def held_of(request: Request) -> RunningWorld:
    """Return the world of the request."""
    held: RunningWorld = request.scope[HELD]
    return held


def bound(world: World, request: Request, what: str) -> World:
    """Return the world for a change below `/_test`, which the audit records."""
    entry = AuditEntry(event_type=request.method, audit_type="Test Control", at=world.wall.now(), operation=what)
    return world.for_call(entry)


def json_reply(value: object, status: int = 200) -> Response:
    """Return a value as JSON."""
    return Response(msgspec.json.encode(value, enc_hook=str), status, ALWAYS, media_type=JSON)


async def read_json(request: Request, kind: type[Sent]) -> Sent:
    """Return the body as a value of a type; an absent body counts as empty. Raises NotJson, BadCall."""
    body = await request.body()
    if body and media_of(request.headers.get("content-type", "")) != JSON:
        raise NotJson(f"Content-Type must be {JSON}")
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (ValueError, OverflowError, RecursionError) as error:
        raise BadCall(f"The body is not valid: {error}") from error


def number_in(request: Request, name: str, default: int = 0) -> int:
    """Return a query parameter that is a number. Raises BadCall."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise BadCall(f"{name}: {text!r} must be a number")
    return int(text)
