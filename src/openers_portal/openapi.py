"""The OpenAPI document of the portal, from its table of pages."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from openers_portal.access import Act
from openers_portal.routes import PAGES, Page

_PART: Final = re.compile(r"\{([a-z]{1,20})\}")


def document(base_url: str) -> bytes:
    """Return the document of a portal at `base_url`, as JSON."""
    paths = {("/overview" if page.path == "/" else page.path): {"get": _read(page)} for page in PAGES if page.is_data}
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "OpenERS partner portal",
            "version": "1",
            "description": "What each page of the portal shows, as JSON. Pages for partners and staff need the session"
            " cookie of a log-in with a browser.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": f"{base_url}/api/v1"}],
        "paths": paths,
        "components": {"securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "session"}}},
    }
    return msgspec.json.encode(described)


def _read(page: Page) -> dict[str, Any]:
    parts = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PART.findall(page.path)
    ]
    asked = [
        {"name": name, "in": "query", "description": what, "schema": {"type": "string"}}
        for name, what in page.parameters.items()
    ]
    replies = {"200": {"description": page.summary, "content": {"application/json": {"schema": {"type": "object"}}}}}
    if parts:
        replies["404"] = {"description": "There is no such record that the caller may see"}
    if page.act is not Act.READ:
        replies |= {"401": {"description": "Nobody is logged in"}, "403": {"description": "The caller may not do this"}}
    security: list[dict[str, list[str]]] = [] if page.act is Act.READ else [{"session": []}]
    return {"summary": page.summary, "parameters": parts + asked, "responses": replies, "security": security}
