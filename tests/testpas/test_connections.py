"""Connections of the Test PAS: an idle caller is disconnected, and does not keep others out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from openers_testpas.connections import PasProtocol

pytestmark = pytest.mark.anyio
GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n"


class Hasty(PasProtocol):
    """A protocol with a very short time limit."""

    within_s = 0.05


class Patient(PasProtocol):
    """A protocol with a long time limit and at most two connections."""

    within_s, most = 3600.0, 2


async def _reads(_scope: Any, receive: Any, send: Any) -> None:
    """Read the body, then reply."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"fine"})


@asynccontextmanager
async def served(kind: type[PasProtocol]) -> AsyncGenerator[int]:
    """Serve the application through the protocol, and yield its port."""
    config, state, loop = Config(_reads, log_config=None, access_log=False), ServerState(), asyncio.get_running_loop()
    config.load()

    def made() -> PasProtocol:
        return kind(config=config, server_state=state, app_state={}, _loop=loop)

    server = await loop.create_server(made, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()


async def until_closed(port: int, sent: bytes) -> bytes:
    """Return the bytes received until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        async with asyncio.timeout(60):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HT", GET[:-2], POST + b"a"])
async def test_a_caller_that_does_not_go_on_is_closed(sent: bytes) -> None:
    async with served(Hasty) as port:
        assert await until_closed(port, sent) == b""


@pytest.mark.parametrize("sent", [GET[:-2] + b"X: " + b"a" * 2**20, POST + b"a" * 2**20], ids=["headers", "a body"])
async def test_a_caller_that_sends_too_much_is_closed(sent: bytes) -> None:
    async with served(Patient) as port:
        assert await until_closed(port, sent) == b""


async def test_the_connection_that_waits_longest_makes_room() -> None:
    async with served(Patient) as port, AsyncExitStack() as opened:
        streams = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        for _, writer in streams:
            opened.callback(writer.close)
        assert await streams[0][0].read() == b""
        streams[2][1].write(GET)
        assert (await streams[2][0].readline()).startswith(b"HTTP/1.1 200")
