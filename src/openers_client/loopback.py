"""The loopback redirect: a listener on this machine that gets the code of a log-in in a browser. Source: RFC 8252."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

LONGEST: Final = 16384
"""The maximum length in bytes of a request that the listener reads."""
PAGE: Final = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Logged in</title>"
    b"<p>The application has received the reply. You can close this window."
)
_HEADERS: Final = "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close\r\n"


@dataclass(frozen=True)
class Redirect:
    """A listener: its address, and the parameters that the browser will bring."""

    uri: str
    brought: asyncio.Future[dict[str, str]]


@asynccontextmanager
async def listening(registered: str) -> AsyncGenerator[Redirect]:
    """Listen for one redirect. `registered` is the loopback address of the application; a missing port becomes free.

    Raises ValueError if the address is not one of this machine, OSError if its port is taken.
    """
    parts = urlsplit(registered)
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "::1"}:
        raise ValueError(f"redirect_uri ({registered}) must be http://127.0.0.1 or http://[::1] to log in by browser")
    brought: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            target = urlsplit(head.split(b" ", 2)[1].decode("ascii"))
            found = target.path == (parts.path or "/")
            writer.write(_reply(found))
            await writer.drain()
            if found and not brought.done():
                brought.set_result(dict(parse_qsl(target.query)))
        writer.close()

    server = await asyncio.start_server(_answer, parts.hostname, parts.port or 0, limit=LONGEST)
    try:
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = server.sockets[0].getsockname()[1]
        yield Redirect(f"http://{host}:{port}{parts.path}", brought)
    finally:
        brought.cancel()
        server.close()


def _reply(found: bool) -> bytes:
    status, page = ("200 OK", PAGE) if found else ("404 Not Found", b"")
    return f"HTTP/1.1 {status}\r\n{_HEADERS}Content-Length: {len(page)}\r\n\r\n".encode() + page
