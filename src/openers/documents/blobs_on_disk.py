"""The blob store in a directory of this machine: each content in a file of its own, written, synced, then renamed.

A key is the content's SHA-256 and the id of its file, so that it says what it must hold, belongs to one file alone, and
is never used again. Source: the decision on blobs.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from openers.documents.drafts import drafted, remove_old
from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.domain.identifiers import FileId
from openers.usecases.file_ports import Blob

READ_AT_ONCE: Final = 256 * 1024
"""Bytes read at a time."""


def key_of(sha256: str, file: FileId) -> str:
    """The key of the content of a file."""
    return f"{sha256}.{file.replace('-', '')}"


class BlobsOnDisk:
    """The `Blobs` port over a directory."""

    def __init__(self, directory: Path) -> None:
        """Raises OSError if the directory can't be made."""
        self._directory = directory
        self._drafts = directory / "drafts"
        self._drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(256):  # made beforehand, so that a new file never needs a new directory to be durable
            (directory / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
        _sync(directory)

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Make the content of one file durable, or leave nothing of it."""
        async with drafted(self._drafts, chunks) as draft:
            key = key_of(draft.sha256, file)
            await asyncio.to_thread(self._keep, draft.path, key)
            return Blob(key, draft.size, draft.sha256)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, piece by piece."""
        try:
            file = await asyncio.to_thread(self._path(key).open, "rb")
        except OSError as error:
            raise Unavailable("blobs") from error
        try:
            await asyncio.to_thread(file.seek, start)
            left = None if end is None else end - start
            while left is None or left > 0:
                piece = await asyncio.to_thread(file.read, READ_AT_ONCE if left is None else min(left, READ_AT_ONCE))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece
        finally:
            file.close()

    async def remove(self, key: str) -> None:
        """Remove content; repeating it does no harm."""
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def older(self, than: Instant) -> Sequence[str]:
        """The keys of what was saved before an instant; drafts as old as that are removed."""
        return await asyncio.to_thread(self._older, than.timestamp())

    async def close(self) -> None:
        """Nothing: no file stays open."""

    def _path(self, key: str) -> Path:
        return self._directory / key[:2] / key

    def _keep(self, draft: Path, key: str) -> None:
        path = self._path(key)
        draft.rename(path)
        _sync(path.parent)

    def _older(self, than_s: float) -> list[str]:
        remove_old(self._drafts, than_s)
        found: list[str] = []
        for path in self._directory.glob("[0-9a-f][0-9a-f]/*"):
            with suppress(FileNotFoundError):  # it was removed meanwhile
                if path.stat().st_mtime < than_s:
                    found.append(path.name)
        return found


def _sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
