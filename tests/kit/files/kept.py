"""A blob store and what is seen of it from outside; content for it."""

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
class Kept:
    """A blob store; the names of what it holds; a way to put something there past it; where its drafts are."""

    blobs: Blobs
    names: Callable[[], set[str]]
    put: Callable[[str, bytes], object]
    drafts: Path

    def is_empty(self) -> bool:
        """Whether nothing is there, no draft either."""
        return not self.names() and not list(self.drafts.iterdir())


def kept_on_disk(blobs: Blobs, directory: Path) -> Kept:
    """A store in a directory."""

    def names() -> set[str]:
        return {path.name for path in directory.rglob("*") if path.is_file() and path.parent.name != "drafts"}

    def put(name: str, content: bytes) -> None:
        (directory / "00" / name).write_bytes(content)

    return Kept(blobs, names, put, directory / "drafts")


def kept_in_bucket(blobs: Blobs, bucket: Bucket, drafts: Path) -> Kept:
    """A store in a bucket."""
    return Kept(blobs, bucket.names, bucket.put, drafts)


def content_of(size: int) -> bytes:
    """So many bytes that repeat nothing; the same ones each time."""
    return random.Random(size).randbytes(size)


async def in_pieces(content: bytes, size: int) -> AsyncGenerator[bytes]:
    """The content as it may arrive."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def broken_off(pieces: Sequence[bytes], error: BaseException) -> AsyncGenerator[bytes]:
    """Some pieces, and then an error."""
    for piece in pieces:
        yield piece
    raise error


async def joined(blobs: Blobs, key: str, start: int = 0, end: int | None = None) -> bytes:
    """What the store gives."""
    return b"".join([piece async for piece in blobs.read(key, start, end)])


def new_file() -> FileId:
    """The id of a file that was never seen."""
    return FileId(str(uuid4()))


def file(content: bytes) -> UploadedFile:
    """What is known of a text."""
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
