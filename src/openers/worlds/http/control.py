"""What every address below `/_test` shares: the world that is asked, JSON in and out, pages, and refusals.

Reading needs no permission: test mode holds synthetic people alone. A page elsewhere can't make a browser change
anything here: JSON has to be declared as such, which another site may not send, and forms come from our own pages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from openers.api.media import media_of
from openers.domain.audit import AuditEntry
from openers.domain.errors import OpenersError
from openers.usecases.world import World
from openers.web import log_in

HERE: Final = Path(__file__).parent.parent
STYLE: Final = "/_test/probe.css"
ALWAYS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
PAGE: Final = "text/html"

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]


class ControlRefused(Exception):
    """What is asked below `/_test` can't be done. The text names what is wrong and what to do."""

    def __init__(self, status: int, text: str) -> None:
        """Which status, and why in words."""
        super().__init__(status, text)
        self.status, self.text = status, text


def route(path: str, methods: Mapping[str, Handler]) -> Route:
    """A route below `/_test`, with a handler for each method; what can't be done is told as JSON."""

    async def _serve(request: Request) -> Response:
        try:
            return await methods[request.method](request)
        except ControlRefused as refusal:
            return json_reply({"error": refusal.text}, refusal.status)
        except OpenersError as error:
            return json_reply({"error": f"{type(error).__name__}: {error}"}, 503)

    return Route(path, _serve, methods=list(methods))


def bound(world: World, request: Request, what: str) -> World:
    """The world for a change that is made below `/_test`, which the audit records."""
    entry = AuditEntry(event_type=request.method, audit_type="Test Control", at=world.wall.now(), operation=what)
    return world.for_call(entry)


def json_reply(value: object, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value, enc_hook=str), status, ALWAYS, media_type=JSON)


def wants_page(request: Request) -> bool:
    """Whether a person with a browser asks, who says so by its `Accept` header."""
    return PAGE in request.headers.get("accept", "")


def page(template: str, **shown: Any) -> Response:
    """A page for people."""
    text = _templates().get_template(template).render(style=STYLE, in_words=_in_words, **shown)
    return HTMLResponse(text, headers=ALWAYS)


def style_route() -> Route:
    """The pages' style sheet: that of the log-in page, and what tables need."""
    style = (log_in.HERE / "assets" / "style.css").read_bytes() + (HERE / "templates" / "probe.css").read_bytes()

    async def _style(_request: Request) -> Response:
        return Response(style, media_type="text/css")

    return Route(STYLE, _style)


async def read_json(request: Request, kind: type[T]) -> T:
    """The body as a value of a type. Raises ControlRefused."""
    if media_of(request.headers.get("content-type", "")) != JSON:
        raise ControlRefused(415, f"Content-Type must be {JSON}")
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except ValueError as error:
        raise ControlRefused(422, str(error)) from error


def is_form(request: Request) -> bool:
    """Whether a page of ours sends its form."""
    return media_of(request.headers.get("content-type", "")) == FORM


async def read_form(request: Request) -> FormData:
    """The fields of a form that one of our own pages sent. Raises ControlRefused."""
    origin = request.headers.get("origin", "")
    if urlsplit(origin).netloc != request.headers.get("host", ""):
        raise ControlRefused(403, "Origin: forms are taken from pages of this service alone")
    return await request.form()


def number_in(request: Request, name: str, default: int = 0) -> int:
    """A query parameter that is a number. Raises ControlRefused."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ControlRefused(400, f"{name}: {text!r} must be a number")
    return int(text)


def _in_words(value: object) -> str:
    """A fact as people read it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, cast("list[object]", value)))
    return str(value)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader([HERE / "templates", log_in.HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
