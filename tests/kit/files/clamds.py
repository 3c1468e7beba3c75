"""ClamAV's daemon as Debian brings it, with one signature; and peers that speak its protocol badly."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from openers.files.scanning import EICAR
from tests.kit.run.waiting import until

LARGEST_STREAM: Final = 3 * 1024 * 1024
LARGEST_LOOKED_INTO: Final = 2 * 1024 * 1024
"""Bytes that the real daemon takes, and of those it takes, how many it looks into."""
COMMAND: Final = b"zINSTREAM\0"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def clamd(socket: Path) -> Generator[None]:
    """The daemon, on a Unix socket, with the test string as its only signature; it is always ended."""
    with TemporaryDirectory() as directory:
        database = Path(directory) / "signatures"
        database.mkdir()
        (database / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
        settings = Path(directory) / "clamd.conf"
        settings.write_text(
            f"Foreground yes\nLocalSocket {socket}\nDatabaseDirectory {database}\nTemporaryDirectory {directory}\n"
            f"StreamMaxLength {LARGEST_STREAM}\nMaxFileSize {LARGEST_LOOKED_INTO}\nAlertExceedsMax yes\n"
        )
        command = ["clamd", "--foreground", f"--config-file={settings}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            until(socket.exists, "clamd did not start", partial(_pause, process))
            yield
        finally:
            process.kill()
            process.communicate()


def _pause(process: subprocess.Popen[str], seconds: float) -> None:
    """Let time pass, unless the process ends."""
    with suppress(subprocess.TimeoutExpired):
        said, _ = process.communicate(timeout=seconds)
        raise AssertionError(f"clamd ended with {process.returncode}:\n{said}")


@asynccontextmanager
async def peer(behaviour: Behaviour, socket: Path | None = None) -> AsyncGenerator[str]:
    """The address of somebody who treats each connection in this way, on a Unix socket if one is given."""

    met = set[asyncio.Task[Any]]()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        met.add(task)
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                await behaviour(reader, writer)
        finally:
            writer.close()

    if socket is None:
        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    else:
        server, address = await asyncio.start_unix_server(meet, socket), f"unix:{socket}"
    try:
        yield address
    finally:
        server.close()
        for meeting in met:
            meeting.cancel()


async def streamed(reader: asyncio.StreamReader) -> bytes:
    """What was sent by INSTREAM, to its end, as the protocol says: pieces after their lengths, an empty one last."""
    assert await reader.readexactly(len(COMMAND)) == COMMAND
    content = b""
    while length := int.from_bytes(await reader.readexactly(4), "big"):
        content += await reader.readexactly(length)
    return content


def answering(answer: bytes) -> Behaviour:
    """Takes the whole file and says this."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await streamed(reader)
        writer.write(answer)
        await writer.drain()

    return behave


def answering_early(answer: bytes, *, after: int) -> Behaviour:
    """Takes so many bytes, says this and closes, whatever more is on its way."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(after)
        writer.write(answer)
        await writer.drain()

    return behave


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the whole file and say nothing, for as long as the other side waits."""
    await streamed(reader)
    await reader.read()


async def take_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let whatever is sent pile up, for as long as the other side waits: nobody reads, so little is taken in."""
    await asyncio.Event().wait()
