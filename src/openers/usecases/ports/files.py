"""The ports for files: their records, their content, and the scanner.

The rules in `transaction.py` apply here too. No method holds a whole file in memory.
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
    """Records of uploaded files, by id."""

    async def get(self, file: FileId) -> UploadedFile | None:
        """Return the file with this id."""
        ...

    async def add(self, file: UploadedFile) -> None:
        """Add the record of a new file."""
        ...

    async def put(self, file: UploadedFile) -> None:
        """Replace the record of a file."""
        ...

    async def remove(self, file: FileId) -> None:
        """Delete the record of a file; its content stays."""
        ...

    async def blobs(self) -> list[str]:
        """Return the content keys of all files."""
        ...

    async def without_file(self, blobs: Collection[str]) -> list[str]:
        """Return those of the blobs that no file names."""
        ...

    async def next_attachment_id(self) -> AttachmentId:
        """Return a new attachment id."""
        ...


class Blob(msgspec.Struct, frozen=True):
    """Durable content: its key, its size in bytes and its SHA-256 in hexadecimal, with which the key begins."""

    key: str
    size: int
    sha256: str


class Blobs(Protocol):
    """The content of files. Raises Unavailable if it cannot be reached."""

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Store the content of one file durably; store nothing if `chunks` raises."""
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` up to before `end` (`None`: the end) in chunks."""
        ...

    async def remove(self, key: str) -> None:
        """Remove content; a repeated call is safe."""
        ...

    def older(self, than: Instant) -> AsyncGenerator[Sequence[str], None]:
        """Yield the keys of content saved before an instant of the wall clock, in batches."""
        ...

    async def remove_drafts(self, than: Instant) -> None:
        """Remove unfinished uploads on this machine that are older than an instant of the wall clock."""
        ...

    async def close(self) -> None:
        """Release all resources."""
        ...


class Verdict(StrEnum):
    """The result of a scan."""

    CLEAN = "CLEAN"
    THREAT = "THREAT"
    INVALID = "INVALID"


class Scanner(Protocol):
    """Scans a file for threats, and checks that its content matches its type.

    Raises Unavailable: then it is retried.
    """

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """Return the result. INVALID: the content does not match the file's type, or cannot be examined."""
        ...

    async def check(self) -> None:
        """Raise Unavailable if the scanner is not ready."""
        ...
