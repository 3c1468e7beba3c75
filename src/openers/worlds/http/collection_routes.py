"""`/_test/collections/…`: the request collections with the address of this service."""

from __future__ import annotations

from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from starlette.requests import Request
from starlette.responses import Response

from openers.worlds.collections import BRUNO, collection_files
from openers.worlds.http.control import ALWAYS, JSON, Offered, route

HOME: Final = "/_test/collections"
FILES: Final = {
    "postman.json": "postman/collection.json",
    "postman-environment.json": "postman/environment.json",
    "openers.http": "http/openers.http",
    "http-client.env.json": "http/http-client.env.json",
}
"""The file of the collections at each address."""
ZIPPED: Final = "bruno.zip"


def collection_routes(base_url: str) -> list[Offered]:
    """Return the routes of the collections of a service at `base_url`."""

    async def _list(_: Request) -> object:
        return {"collections": [f"{base_url}{HOME}/{name}" for name in (*FILES, ZIPPED)]}

    return [route(HOME, {"GET": _list}), *(_file(name, base_url) for name in (*FILES, ZIPPED))]


def zipped(files: dict[str, str]) -> bytes:
    """Return files as an archive, which is the same each time."""
    written = BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(ZipInfo(path), text, ZIP_DEFLATED)
    return written.getvalue()


def _file(name: str, base_url: str) -> Offered:
    headers = {**ALWAYS, "Content-Disposition": f'attachment; filename="{name}"'}
    media_type = "application/zip" if name == ZIPPED else JSON if name.endswith("json") else "text/plain"

    async def _send(_: Request) -> object:
        files = collection_files(base_url)
        of_bruno = {path: text for path, text in files.items() if path.startswith(f"{BRUNO}/")}
        body = zipped(of_bruno) if name == ZIPPED else files[FILES[name]].encode()
        return Response(body, media_type=media_type, headers=headers)

    return route(f"{HOME}/{name}", {"GET": _send})
