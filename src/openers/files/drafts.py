"""Content on its way into a blob store: written to a file of its own as it arrives, measured and hashed meanwhile.

Called by the blob stores. A draft that is not kept is removed; what a crash leaves behind, `remove_old` finds.
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
"""How much is gathered before it is written, in bytes: all that an upload holds in memory."""


class Draft:
    """A file that is being written. `write`, `finish` and `discard` block: they run in a thread."""

    def __init__(self, path: Path) -> None:
        """It will be at `path`, where there must be nothing; it is made when something is written."""
        self.path = path
        self.size = 0
        self._held = bytearray()
        self._sha256 = hashlib.sha256()
        self._file: int | None = None

    @property
    def sha256(self) -> str:
        """The hash of what was written, in hexadecimal."""
        return self._sha256.hexdigest()

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more can be held, or have to be as nothing is held yet."""
        return not self._held or len(self._held) + size <= PIECE

    def hold(self, chunk: bytes) -> None:
        """Add to what is to be written."""
        self._held += chunk

    def write(self) -> None:
        """Write what is held. Raises OSError."""
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
        """Write the last of it, and make it durable. Raises OSError."""
        self.write()
        if self._file is not None:
            os.fdatasync(self._file)  # its size too; its name comes later, and is synced by whoever gives it

    def discard(self) -> None:
        """Let go of it, and remove it unless it was moved away."""
        if self._file is not None:
            os.close(self._file)
            self.path.unlink(missing_ok=True)


@asynccontextmanager
async def drafted(directory: Path, chunks: AsyncIterator[bytes], threads: Threads) -> AsyncGenerator[Draft, None]:
    """All of `chunks` as a draft that wants to be finished, removed at the end.

    Raises Unavailable, for an OSError of the body too, and what `chunks` raises.
    """
    draft = Draft(directory / uuid4().hex)
    try:
        async for chunk in chunks:
            if not draft.has_room(len(chunk)):
                await threads.run(draft.write)
            draft.hold(chunk)
        yield draft
    except OSError as error:  # a full disk, most likely
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
        with suppress(FileNotFoundError):  # its own upload was faster
            if path.stat().st_mtime < than_s:
                path.unlink()
