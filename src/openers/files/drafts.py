"""Content on its way into a blob store: written to its own file as it arrives, measured and hashed.

The blob stores call it. A draft that is not kept is removed; `remove_old` removes drafts left by a crash.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

from openers.domain.errors import Unavailable
from openers.files.threads import Threads

PIECE: Final = 1024 * 1024
"""Bytes gathered before a write, which is the memory that an upload uses."""


class Draft:
    """A file that is being written. `write`, `finish` and `discard` block, so they run in a thread."""

    def __init__(self, path: Path) -> None:
        """Store `path`, where no file may exist; the first write creates it."""
        self.path = path
        self.size = 0
        self._held = bytearray()
        self._sha256 = hashlib.sha256()
        self._file: int | None = None

    @property
    def sha256(self) -> str:
        """Return the hash of the written content, in hexadecimal."""
        return self._sha256.hexdigest()

    def has_room(self, size: int) -> bool:
        """Return whether `size` more bytes fit into memory; always if it is empty."""
        return not self._held or len(self._held) + size <= PIECE

    def hold(self, chunk: bytes) -> None:
        """Add a chunk to the bytes in memory."""
        self._held += chunk

    def write(self) -> None:
        """Write the bytes in memory. Raises OSError."""
        if self._file is None:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._sha256.update(self._held)
        self.size += len(self._held)
        with memoryview(self._held) as whole:
            written = 0
            while written < len(whole):
                written += os.write(self._file, whole[written:])
        self._held.clear()

    def finish(self) -> None:
        """Write the rest and make the content durable. Raises OSError."""
        self.write()
        if self._file is not None:
            os.fdatasync(self._file)  # syncs the size too; the caller syncs the final name

    def discard(self) -> None:
        """Close the file, and remove it unless it was renamed."""
        if self._file is not None:
            os.close(self._file)
            self.path.unlink(missing_ok=True)


@asynccontextmanager
async def drafted(directory: Path, chunks: AsyncIterator[bytes], threads: Threads) -> AsyncGenerator[Draft, None]:
    """Write all of `chunks` to a draft, which the caller must finish; remove it after the block.

    Raises Unavailable, also for an OSError of the block, and what `chunks` raises.
    """
    draft = Draft(directory / uuid4().hex)
    try:
        async for chunk in chunks:
            if not draft.has_room(len(chunk)):
                await threads.run(draft.write)
            draft.hold(chunk)
        yield draft
    except OSError as error:  # most likely a full disk
        raise Unavailable("blobs") from error
    finally:
        await threads.run(draft.discard)


async def remove_old(directory: Path, than_s: float, threads: Threads) -> None:
    """Remove drafts that were last written before a time (seconds since 1970). Raises Unavailable."""
    try:
        await threads.run(partial(_remove_old, directory, than_s))
    except OSError as error:
        raise Unavailable("blobs") from error


def _remove_old(directory: Path, than_s: float) -> None:
    for path in directory.iterdir():
        with suppress(FileNotFoundError):  # its own upload removed it first
            if path.stat().st_mtime < than_s:
                path.unlink()
