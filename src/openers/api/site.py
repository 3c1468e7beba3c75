"""The documentation at `/docs`: the files of one folder, for everybody.

A path is looked up only if each of its steps is a plain name, so that no address leads out of the folder.
Source: ADR 0053; RFC 9110 chapters 8.8.3, 13.1.2 and 15.4.5.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

import msgspec
from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.dialects import ProblemDialect
from openers.api.http.reply import Content, Header, Reply, reply_of
from openers.api.interaction import ActiveCall, Interaction, Loop, Trace
from openers_web.assets import BASE, asset_response

PLAIN_PATH: Final = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*", re.ASCII)
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
OTHER: Final = "text/plain; charset=utf-8"
DOCUMENTATION: Final = Interaction(audit="", operation="documentation", dialect=ProblemDialect(), trace=Trace.NOTHING)
"""Static pages: they leave nothing in the audit, and the list of calls of test mode shows API calls only."""
_NO_CACHE: Final[Header] = (b"cache-control", b"no-cache")


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of pages, served below `path`. `headers` go with each reply; names are in small letters.

    `missing` returns the page for an unknown address in the world whose address has the path that it is given; it is
    also told whether the folder exists.
    """

    path: str
    folder: Path
    headers: Mapping[str, str]
    missing: Callable[[str, bool], bytes]


def site_routes(loop: Loop, site: Site) -> list[Route]:
    """Return the routes of the site: the address without a slash at its end, and everything below it."""

    async def _serve(call: ActiveCall) -> Reply:
        path: str = call.request.scope["path"]
        if path == site.path:
            return Reply(HTTPStatus.PERMANENT_REDIRECT, b"", ((b"location", f"{path.rpartition('/')[2]}/".encode()),))
        found = await asyncio.to_thread(_read, site.folder, path.removeprefix(f"{site.path}/"))
        headers = tuple((name.encode(), value.encode()) for name, value in site.headers.items())
        if found is None:
            page = site.missing(call.world.root, site.folder.is_dir())
            return Reply(HTTPStatus.NOT_FOUND, page, (_media_type(".html"), *headers))
        name, body = found
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        headers = (_media_type(name.suffix), *headers, _NO_CACHE, (b"etag", tag.encode()))
        if _is_known(tag, call.request.header(b"if-none-match")):
            return Reply(HTTPStatus.NOT_MODIFIED, Content(None, None), headers)
        return Reply(HTTPStatus.OK, body, headers)

    methods = {"GET": Declared(DOCUMENTATION, _serve)}
    return [route(loop, site.path, methods), route(loop, f"{site.path}/{{rest:path}}", methods)]


def asset_route(loop: Loop) -> Route:
    """Return the route of the style sheet, scripts, typeface and icons of all pages."""

    async def _serve(call: ActiveCall) -> Reply:
        return reply_of(asset_response(**call.request.scope["path_params"]))

    return route(loop, f"{BASE}/{{digest}}/{{name}}", {"GET": Declared(DOCUMENTATION, _serve)})


def _read(folder: Path, path: str) -> tuple[Path, bytes] | None:
    """Return a file of the folder and its content; None if there is no such file. Blocks while the disk is read."""
    path = path + "index.html" if path == "" or path.endswith("/") else path
    if PLAIN_PATH.fullmatch(path) is None:
        return None
    try:
        return folder / path, (folder / path).read_bytes()
    except OSError:  # absent, a folder, or a name that is too long
        return None


def _is_known(tag: str, sent: str) -> bool:
    """Return whether an `If-None-Match` header names the tag."""
    return sent == "*" or tag in {each.strip().removeprefix("W/") for each in sent.split(",")}


def _media_type(suffix: str) -> Header:
    return (b"content-type", MEDIA_TYPES.get(suffix, OTHER).encode())
