"""What every call to the control plane has in common: a JSON body, a JSON answer, refusals that say what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers.domain.errors import OpenersError
from openers.worlds.held import Held
from openers.worlds.packs import PackError
from openers.worlds.refusals import BadCall, Refusal

HELD = "openers.held"
"""Where test mode puts the world of a request in its scope."""
Sent = TypeVar("Sent")
Handler = Callable[[Request], Awaitable[object]]
"""Does a call; what it gives is answered as JSON, unless it is a `Response`."""


def call_route(path: str, handlers: dict[str, Handler]) -> Route:
    """A route of the control plane: a handler for each method."""

    async def _serve(request: Request) -> Response:
        try:
            check_origin(request)
            answer = await handlers["GET" if request.method == "HEAD" else request.method](request)
        except Refusal as refusal:
            return reply({"error": refusal.text}, refusal.status)
        except PackError as error:
            return reply({"error": str(error)}, 422)
        except OpenersError as error:
            return reply({"error": f"not available: {type(error).__name__}"}, 503)
        return answer if isinstance(answer, Response) else reply(answer)

    return Route(path, _serve, methods=list(handlers))


def held_of(request: Request) -> Held:
    """The world that the request is for."""
    held: Held = request.scope[HELD]
    return held


async def read_body(request: Request, kind: type[Sent]) -> Sent:
    """The JSON body; an absent one counts as empty. Raises BadCall."""
    body = await request.body()
    if body and request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise BadCall("Send the body as Content-Type: application/json")
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (ValueError, OverflowError) as error:
        raise BadCall(f"The body can't be used: {error}") from error


def check_origin(request: Request) -> None:
    """Raise BadCall for what a page of somebody else's sends through a browser."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise BadCall(f"Calls from pages of {origin[:100]} are not taken")


def reply(body: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(body, enc_hook=_text), status, media_type="application/json")


def _text(value: Any) -> str:
    return str(value)
