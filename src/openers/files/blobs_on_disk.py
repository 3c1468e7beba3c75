"""The blob store in a directory of this machine: each content in its own file, written, synced, then renamed.

So each file named by a key is complete. The name is durable when `save` returns.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.domain.identifiers import FileId
from openers.files.blob_keys import is_key, key_of
from openers.files.drafts import Draft, drafted, remove_old
from openers.files.threads import Threads
from openers.usecases.ports.files import Blob

READ_AT_ONCE: Final = 256 * 1024
"""Bytes read at a time."""
_PART: Final = "blobs"


class BlobsOnDisk:
    """The `Blobs` port over a directory."""

    def __init__(self, directory: Path) -> None:
        """Create the directories. Raises OSError if that fails."""
        self._directory = directory
        self._drafts = directory / "drafts"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._drafts.mkdir(exist_ok=True, mode=0o700)
        for number in range(256):  # created beforehand, so that a new file never has to sync a new directory
            (directory / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
        _sync(directory)
        self._threads = Threads()

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Store the content of one file durably, or nothing of it."""
        async with drafted(self._drafts, chunks, self._threads) as draft:
            return await self._threads.run(partial(self._keep, draft, file))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to before `end` in chunks."""
        try:
            with await self._threads.run(partial(self._path(key).open, "rb", buffering=0)) as file:
                while end is None or start < end:
                    wanted = READ_AT_ONCE if end is None else min(READ_AT_ONCE, end - start)
                    piece = await self._threads.run(partial(os.pread, file.fileno(), wanted, start))
                    if piece:
                        yield piece
                    if len(piece) < wanted:  # a file returns less only at its end
                        return
                    start += len(piece)
        except OSError as error:
            raise Unavailable(_PART) from error

    async def remove(self, key: str) -> None:
        """Remove content; repeating this is harmless."""
        try:
            await self._threads.run(partial(self._path(key).unlink, missing_ok=True))
        except OSError as error:
            raise Unavailable(_PART) from error

    async def older(self, than: Instant) -> AsyncGenerator[Sequence[str], None]:
        """Yield the keys of contents stored before an instant, one directory after another."""
        for number in range(256):
            directory = self._directory / f"{number:02x}"
            try:
                yield await self._threads.run(partial(_older, directory, than.timestamp()))
            except OSError as error:
                raise Unavailable(_PART) from error

    async def remove_drafts(self, than: Instant) -> None:
        """Remove unfinished uploads from before an instant."""
        await remove_old(self._drafts, than.timestamp(), self._threads)

    async def close(self) -> None:
        """End the threads; no file stays open."""
        self._threads.close()

    def _path(self, key: str) -> Path:
        return self._directory / key[:2] / key

    def _keep(self, draft: Draft, file: FileId) -> Blob:
        draft.finish()
        key = key_of(draft.sha256, file)
        path = self._path(key)
        draft.path.rename(path)
        _sync(path.parent)
        return Blob(key, draft.size, draft.sha256)


def _older(directory: Path, than_s: float) -> list[str]:
    found: list[str] = []
    with os.scandir(directory) as entries:
        for each in entries:
            with suppress(FileNotFoundError):  # it was removed meanwhile
                if is_key(each.name) and each.stat().st_mtime < than_s:
                    found.append(each.name)
    return found


def _sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    opened = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
