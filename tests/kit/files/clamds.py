"""The ClamAV daemon of Debian with one signature, and fake daemons that use its protocol wrongly."""

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
"""The daemon's limits in bytes: the largest stream that it accepts, and the largest file that it scans."""
COMMAND: Final = b"zINSTREAM\0"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def clamd(socket: Path) -> Generator[None]:
    """Run the daemon on a Unix socket with the test string as its only signature; stop it at the end."""
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
    """Wait for this time; raise AssertionError if the process ends."""
    with suppress(subprocess.TimeoutExpired):
        said, _ = process.communicate(timeout=seconds)
        raise AssertionError(f"clamd ended with {process.returncode}:\n{said}")


@asynccontextmanager
async def peer(behaviour: Behaviour, socket: Path | None = None) -> AsyncGenerator[str]:
    """Run a server that handles each connection with `behaviour`; yield its address.

    It listens on a Unix socket if one is given, else on TCP.
    """

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
    """Read the content of an INSTREAM command to its end: chunks with a length each, and an empty chunk at the end."""
    assert await reader.readexactly(len(COMMAND)) == COMMAND
    content = b""
    while length := int.from_bytes(await reader.readexactly(4), "big"):
        content += await reader.readexactly(length)
    return content


def answering(answer: bytes) -> Behaviour:
    """Return a behaviour that reads the whole file and then sends `answer`."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await streamed(reader)
        writer.write(answer)
        await writer.drain()

    return behave


def answering_early(answer: bytes, *, after: int) -> Behaviour:
    """Return a behaviour that reads `after` bytes, sends `answer` and closes, even if more bytes follow."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(after)
        writer.write(answer)
        await writer.drain()

    return behave


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read the whole file and never reply, until the client disconnects."""
    await streamed(reader)
    await reader.read()


async def take_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read nothing until the client gives up, so that the connection's buffers fill up."""
    await asyncio.Event().wait()
