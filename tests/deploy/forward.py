"""A TCP address for a server that listens on a socket file, which processes in an image cannot open."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


@contextmanager
def tcp_to(path: str) -> Generator[int]:
    """Forward connections to the socket file `path`; provide the TCP port on 127.0.0.1."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(lambda r, w: _serve(path, r, w), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()


async def _serve(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy the bytes of one connection both ways until either side ends it."""
    from_server, to_server = await asyncio.open_unix_connection(path)
    await asyncio.gather(_copy(reader, to_server), _copy(from_server, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await source.read(65536):
            target.write(chunk)
            await target.drain()
    target.close()
