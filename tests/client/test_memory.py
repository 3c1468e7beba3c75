"""Ten thousand reads, and a large file in both directions, take bounded memory."""

from __future__ import annotations

import asyncio
import gc
import resource
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from openers_client import ErsClient, Role, Session, Upload
from tests.kit.examples.files import path_of

pytestmark = pytest.mark.anyio
READS: Final = 10_000
AT_ONCE: Final = 20
MOST_KIB: Final = 24 * 1024
"""What the process may hold more after the reads than after the first thousand."""
LARGE: Final = 32 * 2**20
PIECE: Final = 2**16


class Stub:
    """A service on this machine that returns `times` times `piece` to each GET, and counts the bytes it is sent."""

    def __init__(self, piece: bytes, times: int) -> None:
        self._piece, self._times = piece, times
        self.received = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, _, length = head.partition(b"content-length:")
                await self._receive(reader, int(length.partition(b"\r\n")[0] or 0))
                times = 0 if head.startswith(b"post") else self._times
                size = len(self._piece) * times
                writer.write(b"HTTP/1.1 200 OK\r\nLocation: Binary/x\r\nContent-Length: %d\r\n\r\n" % size)
                for _ in range(times):
                    writer.write(self._piece)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader, left: int) -> None:
        while left > 0:
            piece = await reader.read(min(left, PIECE))
            self.received += len(piece)
            left -= len(piece)


@asynccontextmanager
async def stub(piece: bytes, times: int = 1) -> AsyncGenerator[tuple[Stub, str]]:
    """Run a stub on a free port; yield it with its address."""
    made = Stub(piece, times)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    try:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def json_of(example: str) -> Any:
    """Return the body of the reply of an example."""
    return msgspec.json.decode(path_of(example).read_bytes())["reply"]["body"]


def highest_kib() -> int:
    """Return the most memory that this process has held so far."""
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def test_ten_thousand_reads_take_bounded_memory() -> None:
    body = msgspec.json.encode(json_of("a005"))
    async with stub(body) as (_, address), ErsClient(address) as client:
        gp = client.caller(Session.of_token("x"), Role("D82106", "REFERRING_CLINICIAN"))

        async def read(times: int) -> None:
            for _ in range(times):
                await gp.read_referral("000000000001")

        await asyncio.gather(*(read(1000 // AT_ONCE) for _ in range(AT_ONCE)))
        before = highest_kib()
        await asyncio.gather(*(read(READS // AT_ONCE) for _ in range(AT_ONCE)))
        assert highest_kib() - before < MOST_KIB


async def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    source, target = tmp_path / "scan.dcm", tmp_path / "copy.dcm"
    with source.open("wb") as file:
        file.truncate(LARGE)
    async with stub(bytes(PIECE), LARGE // PIECE) as (service, address), ErsClient(address) as client:
        gp = client.caller(Session.of_token("x"), Role("D82106", "REFERRING_CLINICIAN"))
        tracemalloc.start()
        try:
            await gp.upload_large(Upload(name=source.name, content=source))
            await gp.download_small("x", target)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (service.received, target.stat().st_size) == (LARGE, LARGE)
    assert most < LARGE / 4
