"""`/_test/collections/…`: the request collections with the address of this service."""

from __future__ import annotations

from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from starlette.requests import Request
from starlette.responses import Response

from openers.worlds.collections import BRUNO, collection_files
from openers.worlds.http.control import ALWAYS, JSON, Offered, held_of, route

HOME: Final = "/_test/collections"
FILES: Final = {
    "postman.json": "postman/collection.json",
    "postman-environment.json": "postman/environment.json",
    "postman-sessions-2018.json": "postman/sessions-2018.json",
    "postman-sessions-2018-environment.json": "postman/sessions-2018-environment.json",
    "openers.http": "http/openers.http",
    "http-client.env.json": "http/http-client.env.json",
}
"""The file of the collections at each address."""
ZIPPED: Final = "bruno.zip"


def collection_routes() -> list[Offered]:
    """Return the routes of the collections, whose requests go to the address of the world."""

    async def _list(request: Request) -> object:
        base_url = held_of(request).world.base_url
        return {"collections": [f"{base_url}{HOME}/{name}" for name in (*FILES, ZIPPED)]}

    return [route(HOME, {"GET": _list}), *(_file(name) for name in (*FILES, ZIPPED))]


def zipped(files: dict[str, str]) -> bytes:
    """Return files as an archive, which is the same each time."""
    written = BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(ZipInfo(path), text, ZIP_DEFLATED)
    return written.getvalue()


def _file(name: str) -> Offered:
    headers = {**ALWAYS, "Content-Disposition": f'attachment; filename="{name}"'}
    media_type = "application/zip" if name == ZIPPED else JSON if name.endswith("json") else "text/plain"

    async def _send(request: Request) -> object:
        files = collection_files(held_of(request).world.base_url)
        of_bruno = {path: text for path, text in files.items() if path.startswith(f"{BRUNO}/")}
        body = zipped(of_bruno) if name == ZIPPED else files[FILES[name]].encode()
        return Response(body, media_type=media_type, headers=headers)

    return route(f"{HOME}/{name}", {"GET": _send})
