"""What every address below `/_test` shares: the world that is asked, JSON in and out, and refusals.

Reading needs no permission: test mode holds synthetic people alone. A page elsewhere can't make a browser change
anything here: browsers say from where such a call comes, and JSON has to be declared as such.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers.api.media import media_of
from openers.domain.audit import AuditEntry
from openers.domain.errors import OpenersError
from openers.usecases.world import World
from openers.worlds.held import HELD, Held
from openers.worlds.packs import PackError
from openers.worlds.refusals import BadCall, CantBeMade, FromElsewhere, NotJson, Refusal

ALWAYS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
JSON: Final = "application/json"
READING: Final = frozenset({"GET", "HEAD"})

Sent = TypeVar("Sent")
Handler = Callable[[Request], Awaitable[object]]
"""Does a call; what it gives is answered as JSON, unless it is a `Response`."""


def route(path: str, methods: Mapping[str, Handler]) -> Route:
    """A route below `/_test`, with a handler for each method; what can't be done is told as JSON."""

    async def _serve(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            answer = await refusing(request, methods[method])
        except Refusal as refusal:
            return json_reply({"error": refusal.text}, refusal.status)
        except OpenersError as error:
            return json_reply({"error": not_available(error)}, 503)
        return answer if isinstance(answer, Response) else json_reply(answer)

    return Route(path, _serve, methods=list(methods))


async def refusing(request: Request, handler: Handler) -> object:
    """What the handler gives. Raises a Refusal for what can't be done, and for what a page elsewhere sends."""
    origin = request.headers.get("origin")
    if request.method not in READING and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise FromElsewhere(
            f"Origin: calls from pages of {origin[:100]!r} are not taken, only from pages of this service"
        )
    try:
        return await handler(request)
    except PackError as error:
        raise CantBeMade(str(error)) from error


def not_available(error: OpenersError) -> str:
    """What is told where something behind the service failed."""
    return f"Not available: {type(error).__name__}. Try again later"


def held_of(request: Request) -> Held:
    """The world that the request is for."""
    held: Held = request.scope[HELD]
    return held


def bound(world: World, request: Request, what: str) -> World:
    """The world for a change that is made below `/_test`, which the audit records."""
    entry = AuditEntry(event_type=request.method, audit_type="Test Control", at=world.wall.now(), operation=what)
    return world.for_call(entry)


def json_reply(value: object, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value, enc_hook=str), status, ALWAYS, media_type=JSON)


async def read_json(request: Request, kind: type[Sent]) -> Sent:
    """The body as a value of a type; an absent one counts as empty. Raises NotJson, BadCall."""
    body = await request.body()
    if body and media_of(request.headers.get("content-type", "")) != JSON:
        raise NotJson(f"Content-Type must be {JSON}")
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (ValueError, OverflowError, RecursionError) as error:
        raise BadCall(f"The body can't be used: {error}") from error


def number_in(request: Request, name: str, default: int = 0) -> int:
    """A query parameter that is a number. Raises BadCall."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadCall(f"{name}: {text!r} must be a number")
    return int(text)
