"""Shared parts of the test mode pages: their frame, their templates, and forms of our own pages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from openers.api.http.media import media_of
from openers.web.frame import frame
from openers.worlds.http.control import HOME
from openers.worlds.running.running_world import HELD, RunningWorld
from openers_web.dates import moment_in_words
from openers_web.layout import Frame, Link, Pages
from openers_web.parts.forms import Option

FORM: Final = "application/x-www-form-urlencoded"
PAGE: Final = "text/html"
LINKS: Final = {
    HOME: "Worlds",
    "/_test/requests": "Calls",
    "/_test/faults": "Faults",
    "/_test/events": "Events",
    "/_test/webhooks": "Webhooks",
    "/_test/cards": "Smartcards",
    "/_test/visibility": "Why is it not there?",
}
"""The pages for people, by path in the address of a world."""
PAGES: Final = Pages(Path(__file__).parent.parent / "templates")


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


def page(template: str, request: Request, status: int = 200, **shown: Any) -> Response:
    """Return a page for people, whose links stay in the world of the request."""
    shared = {"options": options, "pretty": pretty, "root": root_of(request)}
    return PAGES.response(template, _frame(request), status, **shared, **shown)


def options(texts: Iterable[str]) -> list[Option]:
    """Return choices whose values are their texts."""
    return [Option(each, each) for each in texts]


def pretty(body: str) -> str:
    """Return JSON with indents; other text, and JSON that was cut, as it is."""
    try:
        return msgspec.json.format(body.encode(), indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        return body


def in_words(value: object) -> str:
    """Return a fact as text for people."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, cast("list[object]", value)))
    return str(value)


def _frame(request: Request) -> Frame:
    root, path = root_of(request), str(request.scope["path"]).replace("/_test/explain", "/_test/requests", 1)
    current = next((each for each in reversed(LINKS) if f"{path}/".startswith(f"{each.rstrip('/')}/")), "")
    held: RunningWorld | None = request.scope.get(HELD)
    return msgspec.structs.replace(
        frame(root),
        navigation=[Link(text, f"{root}{each}") for each, text in LINKS.items()],
        current=f"{root}{current}",
        environment="" if held is None else _environment(held),
    )


def _environment(held: RunningWorld) -> str:
    clock = "" if held.clock.is_running else ", clock stopped"
    return f"World {held.name}, {moment_in_words(held.clock.now())}{clock}"
