"""Shared parts of the test mode pages: templates, their style sheet, and forms of our own pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from openers.api.http.media import media_of
from openers.web import log_in
from openers.worlds.http.control import ALWAYS, Offered, route

HERE: Final = Path(__file__).parent.parent
STYLE: Final = "/_test/probe.css"
FORM: Final = "application/x-www-form-urlencoded"
PAGE: Final = "text/html"


def wants_page(request: Request) -> bool:
    """Return whether the request comes from a browser, judged by its `Accept` header."""
    return PAGE in request.headers.get("accept", "")


def root_of(request: Request) -> str:
    """Return the path of the address of the request's world: empty, or like `/w/name`."""
    return str(request.scope["root_path"])


def see(request: Request, path: str) -> RedirectResponse:
    """Redirect to another page of the request's world."""
    return RedirectResponse(f"{root_of(request)}{path}", 303)


def is_form(request: Request) -> bool:
    """Return whether the body is a form of our pages."""
    return media_of(request.headers.get("content-type", "")) == FORM


def page(template: str, request: Request, **shown: Any) -> Response:
    """Return a page for people, whose links stay in the world of the request."""
    root = root_of(request)
    text = _templates().get_template(template).render(style=f"{root}{STYLE}", root=root, in_words=_in_words, **shown)
    return HTMLResponse(text, headers=ALWAYS)


def style_route() -> Offered:
    """Return the route of the style sheet: that of the log-in page with additions for tables."""
    style = (log_in.HERE / "assets" / "style.css").read_bytes() + (HERE / "templates" / "probe.css").read_bytes()

    async def _style(_request: Request) -> Response:
        return Response(style, media_type="text/css")

    return route(STYLE, {"GET": _style})


def _in_words(value: object) -> str:
    """Return a fact as text for people."""
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
