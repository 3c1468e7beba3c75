"""Content of files that nothing removes: worlds that were forked from each other, and snapshots, share it.

Keys say what they hold, so that two worlds never mean different content by one key.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from openers.domain.clock import Instant
from openers.domain.identifiers import FileId
from openers.usecases.file_ports import Blob, Blobs


class KeptBlobs:
    """The `Blobs` port of test worlds, over the one that the settings name."""

    def __init__(self, inner: Blobs) -> None:
        """`inner` keeps the content."""
        self._inner = inner

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Make the content of one file durable, or leave nothing of it."""
        return await self._inner.save(file, chunks)

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to before `end`, piece by piece."""
        return self._inner.read(key, start, end)

    async def remove(self, key: str) -> None:
        """Nothing: another world may still name it."""

    async def older(self, than: Instant) -> AsyncGenerator[Sequence[str], None]:
        """Nothing: what no file of this world names may be another world's."""
        for keys in ():
            yield keys

    async def remove_drafts(self, than: Instant) -> None:
        """Remove what uploads on this machine left unfinished before an instant of the wall clock."""
        await self._inner.remove_drafts(than)

    async def close(self) -> None:
        """Let go of everything."""
        await self._inner.close()
