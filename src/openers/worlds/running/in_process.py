"""Send an HTTP request to an ASGI application of this process, without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from openers.bootstrap import Service
from openers.worlds.refusals import BadCall


class Answer(msgspec.Struct, frozen=True):
    """The reply."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


async def ask(service: Service, method: str, address: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
    """Send a request to the service and return its reply. `address` is a path with an optional query."""
    path, _, query = address.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", urlsplit(service.settings.base_url).netloc.encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()),
        ],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 80),
    }
    status, parts, ended = 0, [body], asyncio.Event()
    told: dict[str, str] = {}
    answered: list[bytes] = []

    async def receive() -> dict[str, Any]:
        if parts:
            return {"type": "http.request", "body": parts.pop(), "more_body": False}
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        told.update((name.decode().lower(), value.decode("latin-1")) for name, value in message.get("headers", ()))
        answered.append(message.get("body", b""))

    await service(scope, receive, send)
    ended.set()
    if not status:
        raise BadCall(f"{method} {path} got no reply")
    return Answer(status, b"".join(answered), told)
