"""Content on its way into a blob store: written to a file of its own as it arrives, measured and hashed meanwhile.

Called by the blob stores. A draft that is not kept is removed; what a crash leaves behind, `remove_old` finds.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from openers.domain.errors import Unavailable

PIECE: Final = 1024 * 1024
"""How much is gathered before it is written, in bytes: all that an upload holds in memory."""


class Draft:
    """A file that is being written; its methods run in a thread."""

    def __init__(self, path: Path) -> None:
        """Begin at `path`, where there must be nothing."""
        self.path = path
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    @property
    def sha256(self) -> str:
        """The hash of what was written, in hexadecimal."""
        return self._sha256.hexdigest()

    def write(self, piece: bytes) -> None:
        """Add to it."""
        self._sha256.update(piece)
        self.size += len(piece)
        view = memoryview(piece)
        while view:
            view = view[os.write(self._file, view) :]

    def finish(self, piece: bytes) -> None:
        """Add the last of it, and make it durable."""
        self.write(piece)
        os.fsync(self._file)

    def discard(self) -> None:
        """Let go of it, and remove it unless it was moved away."""
        os.close(self._file)
        self.path.unlink(missing_ok=True)


@asynccontextmanager
async def drafted(directory: Path, chunks: AsyncIterator[bytes]) -> AsyncGenerator[Draft, None]:
    """All of `chunks` as a durable draft, removed at the end. Raises Unavailable, and what `chunks` raises."""
    try:
        draft = await asyncio.to_thread(Draft, directory / uuid4().hex)
    except OSError as error:
        raise Unavailable("blobs") from error
    try:
        await _fill(draft, chunks)
        yield draft
    except OSError as error:  # a full disk, most likely
        raise Unavailable("blobs") from error
    finally:
        await asyncio.to_thread(draft.discard)


async def _fill(draft: Draft, chunks: AsyncIterator[bytes]) -> None:
    held: list[bytes] = []
    size = 0
    async for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= PIECE:
            await asyncio.to_thread(draft.write, b"".join(held))
            held, size = [], 0
    await asyncio.to_thread(draft.finish, b"".join(held))


def remove_old(directory: Path, than_s: float) -> None:
    """Remove drafts that were last written before a time (seconds since 1970)."""
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # its own upload was faster
            if path.stat().st_mtime < than_s:
                path.unlink()
