"""A blob store with direct access to its content from outside, and content to store."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from openers.domain.attachments import UploadedFile
from openers.domain.identifiers import FileId, OdsCode, UserId
from openers.usecases.ports.files import Blobs
from tests.kit.files.s3 import Bucket
from tests.kit.store.records import NOON


@dataclass(frozen=True)
class BlobsInView:
    """A blob store with the names of its files, a way to write past it, and the folder of its drafts."""

    blobs: Blobs
    names: Callable[[], set[str]]
    put: Callable[[str, bytes], object]
    drafts: Path

    def is_empty(self) -> bool:
        """Return whether the store holds no files and no drafts."""
        return not self.names() and not list(self.drafts.iterdir())


def kept_on_disk(blobs: Blobs, directory: Path) -> BlobsInView:
    """Return a blob store in a directory."""

    def names() -> set[str]:
        return {path.name for path in directory.rglob("*") if path.is_file() and path.parent.name != "drafts"}

    def put(name: str, content: bytes) -> None:
        (directory / "00" / name).write_bytes(content)

    return BlobsInView(blobs, names, put, directory / "drafts")


def kept_in_bucket(blobs: Blobs, bucket: Bucket, drafts: Path) -> BlobsInView:
    """Return a blob store in a bucket."""
    return BlobsInView(blobs, bucket.names, bucket.put, drafts)


def content_of(size: int) -> bytes:
    """Return `size` random bytes, which are the same in each run."""
    return random.Random(size).randbytes(size)


async def in_pieces(content: bytes, size: int) -> AsyncGenerator[bytes]:
    """Yield the content in chunks, as a request body arrives."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def broken_off(pieces: Sequence[bytes], error: BaseException) -> AsyncGenerator[bytes]:
    """Yield some chunks, then raise an error."""
    for piece in pieces:
        yield piece
    raise error


async def joined(blobs: Blobs, key: str, start: int = 0, end: int | None = None) -> bytes:
    """Return the content that the store reads, as one value."""
    return b"".join([piece async for piece in blobs.read(key, start, end)])


def new_file() -> FileId:
    """Return a new file id."""
    return FileId(str(uuid4()))


def file(content: bytes) -> UploadedFile:
    """Return the record of a text file with this content."""
    return UploadedFile(
        id=new_file(),
        name="letter.txt",
        media_type="text/plain",
        size=len(content),
        sha256="",
        blob="",
        uploaded=NOON,
        by=UserId("555073103100"),
        organisation=OdsCode("D82106"),
    )
