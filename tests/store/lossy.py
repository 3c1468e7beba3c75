"""A proxy for a PostgreSQL server that drops a connection at a chosen message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SOCKET = ".s.PGSQL.5432"


class Loss(Enum):
    """When the connection is lost, relative to one message of the client."""

    BEFORE = auto()
    """The server never gets the message."""
    DURING = auto()
    """The server gets the message, but its reply is not received."""
    AFTER = auto()
    """The server replies, and the reply is lost."""


class LossyProxy:
    """Forwards bytes between clients and a server. Made by `lossy`."""

    def __init__(self, server: Path) -> None:
        """Forward to the socket `server`."""
        self._server = server
        self._left = 0
        self._loss = Loss.BEFORE
        self._ends: set[asyncio.StreamWriter] = set()
        self.lost = False
        self.refuses = False
        """Whether new connections are closed at once, as if the server were down."""
        self.stays_away = False
        """Whether the server is down after the loss."""

    def lose(self, message: int, loss: Loss) -> None:
        """Drop the connection at this message, counted from 1 and from now; 0 drops none."""
        self._left, self._loss = message, loss
        self.lost, self.refuses = False, False

    async def connect(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Serve one client."""
        if self.refuses:
            client.close()
            return
        there, server = await asyncio.open_unix_connection(str(self._server))
        both = (client, server)
        self._ends.update(both)
        answers = asyncio.create_task(_pass_on(there, both))
        while data := await _next(reader):
            loss = self._loss_of_next()
            if loss is Loss.BEFORE:
                break
            if loss is Loss.AFTER:
                answers.cancel()
                await asyncio.wait([answers])
            server.write(data)
            if loss is Loss.AFTER:
                await _next(there)
            if loss is not None:
                break
        _close(both)
        await asyncio.wait([answers])

    def _loss_of_next(self) -> Loss | None:
        """Count a message of a client, and return the loss that it triggers."""
        self._left -= 1
        if self._left != 0:
            return None
        self.lost, self.refuses = True, self.stays_away
        return self._loss

    def end(self) -> None:
        """Close all connections."""
        _close(tuple(self._ends))


@asynccontextmanager
async def lossy(url: str, directory: Path) -> AsyncGenerator[tuple[LossyProxy, str]]:
    """Run a proxy with its socket in `directory`, and yield it with the URL of the database through it."""
    there = Path(parse_qs(urlsplit(url).query)["host"][0]) / SOCKET
    proxy = LossyProxy(there)
    serving = await asyncio.start_unix_server(proxy.connect, directory / SOCKET)
    try:
        yield proxy, f"{url.partition('?')[0]}?host={directory}"
    finally:
        serving.close()
        proxy.end()


async def _pass_on(answers: asyncio.StreamReader, both: tuple[asyncio.StreamWriter, ...]) -> None:
    while data := await _next(answers):
        both[0].write(data)
    _close(both)


async def _next(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read(1 << 20)
    return b""


def _close(ends: tuple[asyncio.StreamWriter, ...]) -> None:
    for each in ends:
        each.close()
