"""What files ask of the world outside: where what is known of them is kept, where their content is, who scans it.

Beside `transaction.py`, whose rules hold here too. Nothing here holds a whole file in memory.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from openers.domain.attachments import UploadedFile
from openers.domain.clock import Instant
from openers.domain.identifiers import AttachmentId, FileId


class Files(Protocol):
    """Uploaded files by id."""

    async def get(self, file: FileId) -> UploadedFile | None:
        """The file with this id."""
        ...

    async def add(self, file: UploadedFile) -> None:
        """Keep what is known of a new file."""
        ...

    async def put(self, file: UploadedFile) -> None:
        """Replace what is known of a file."""
        ...

    async def remove(self, file: FileId) -> None:
        """Forget a file; its content is another matter."""
        ...

    async def blobs(self) -> list[str]:
        """The keys of the content of all files."""
        ...

    async def without_file(self, blobs: Collection[str]) -> list[str]:
        """Those of the blobs that no file names."""
        ...

    async def next_attachment_id(self) -> AttachmentId:
        """An attachment id that was never given before."""
        ...


class Blob(msgspec.Struct, frozen=True):
    """Content that is durable: its key, its size in bytes and its SHA-256 in hexadecimal, which the key begins with."""

    key: str
    size: int
    sha256: str


class Blobs(Protocol):
    """The content of files. Raises Unavailable where it can't be reached."""

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Make the content of one file durable, or leave nothing of it if `chunks` raises."""
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` to before `end` (`None`: the end), piece by piece."""
        ...

    async def remove(self, key: str) -> None:
        """Remove content; repeating it does no harm."""
        ...

    def older(self, than: Instant) -> AsyncGenerator[Sequence[str], None]:
        """The keys of what was saved before an instant of the wall clock, some at a time."""
        ...

    async def remove_drafts(self, than: Instant) -> None:
        """Remove what uploads on this machine left unfinished before an instant of the wall clock."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


class Verdict(StrEnum):
    """What a scan has found."""

    CLEAN = "CLEAN"
    THREAT = "THREAT"
    INVALID = "INVALID"


class Scanner(Protocol):
    """Looks into a file, for threats and for whether it is what it says. Raises Unavailable: then it is retried."""

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """What is in the file. INVALID: its content is not what its type says, or can't be looked into."""
        ...

    async def check(self) -> None:
        """Raise Unavailable if it would not scan now."""
        ...
