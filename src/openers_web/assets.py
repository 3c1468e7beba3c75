"""The compiled assets, served from one folder whose address changes with its content, so browsers keep them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent / "assets"
"""What `scripts/build_assets.py` compiles at set-up. If it is missing, pages have no style and still work."""
BASE: Final = "/assets"
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
HEADERS: Final = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
}


class Asset(msgspec.Struct, frozen=True):
    """A file and its media type."""

    content: bytes
    media_type: str


class Assets(msgspec.Struct, frozen=True):
    """All assets by name, and the digest of their content."""

    files: Mapping[str, Asset]
    digest: str

    def address(self, base: str = BASE) -> str:
        """Return the address of the folder, without a slash at its end."""
        return f"{base}/{self.digest}"


@cache
def load_assets() -> Assets:
    """Read the assets once; they stay in memory (300 kB)."""
    digest = hashlib.sha256()
    files: dict[str, Asset] = {}
    for path in sorted(FOLDER.glob("*")):
        content = path.read_bytes()
        digest.update(path.name.encode() + b"\0" + content)
        files[path.name] = Asset(content, MEDIA_TYPES[path.suffix])
    return Assets(files, digest.hexdigest()[:16])


def asset_route(base: str = BASE) -> Route:
    """Return the route of all assets, for a Starlette application. An old digest in the address gets the new file."""
    return Route(f"{base}/{{digest}}/{{name}}", _serve, methods=["GET"])


async def _serve(request: Request) -> Response:
    return asset_response(request.path_params["digest"], request.path_params["name"])


def asset_response(digest: str, name: str) -> Response:
    """Return an asset, or 404. Only the address with the current digest may be cached for ever."""
    found = load_assets()
    asset = found.files.get(name)
    if asset is None:
        return Response("There is no such file.", 404, {"cache-control": "no-store"}, "text/plain")
    kept = HEADERS if digest == found.digest else {**HEADERS, "cache-control": "no-cache"}
    return Response(asset.content, headers=kept, media_type=asset.media_type)
