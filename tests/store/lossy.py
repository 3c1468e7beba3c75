"""A proxy in front of a PostgreSQL server that loses a connection at a message of the test's choice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SOCKET = ".s.PGSQL.5432"


class Loss(Enum):
    """When the connection is lost, seen from one message of the client."""

    BEFORE = auto()
    """The server never gets the message."""
    DURING = auto()
    """The server gets it, and nobody waits for the answer."""
    AFTER = auto()
    """The server answers, and the answer is lost."""


class LossyProxy:
    """Passes bytes on between clients and a server. Made by `lossy`."""

    def __init__(self, server: Path) -> None:
        """`server` is the socket of the server."""
        self._server = server
        self._left = 0
        self._loss = Loss.BEFORE
        self._ends: set[asyncio.StreamWriter] = set()
        self.lost = False
        self.refuses = False
        """Whether new connections are ended at once, as by a server that is gone."""
        self.stays_away = False
        """Whether the server is gone after the loss."""

    def lose(self, message: int, loss: Loss) -> None:
        """Lose the connection that sends the message with this number, counted from 1 and from now; 0 loses none."""
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
        """Count a message of a client."""
        self._left -= 1
        if self._left != 0:
            return None
        self.lost, self.refuses = True, self.stays_away
        return self._loss

    def end(self) -> None:
        """End all connections."""
        _close(tuple(self._ends))


@asynccontextmanager
async def lossy(url: str, directory: Path) -> AsyncGenerator[tuple[LossyProxy, str]]:
    """A proxy with its socket in `directory`, and the URL of the database at `url` by way of it."""
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
