"""The blob store in an S3 bucket, for services on more than one machine; through obstore.

Content is gathered in a draft on this machine first, so that its key, which begins with its hash, is known before a
byte is sent, and a client that goes away leaves nothing behind. Source: the decision on blobs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from obstore.exceptions import BaseError
from obstore.store import S3Store

from openers.documents.blobs_on_disk import READ_AT_ONCE, key_of
from openers.documents.drafts import drafted, remove_old
from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.domain.identifiers import FileId
from openers.usecases.file_ports import Blob

_UNAVAILABLE: Final = (BaseError, OSError)


class BlobsInS3:
    """The `Blobs` port over a bucket."""

    def __init__(self, url: str, drafts: Path, endpoint: str | None = None) -> None:
        """`url` is `s3://bucket/prefix`, `drafts` a directory of this machine, `endpoint` another server than AWS.

        Credentials and region come from the environment, as all S3 clients read them (`AWS_...`).
        """
        drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._drafts = drafts
        if endpoint is None:
            self._store = S3Store.from_url(url)
        else:
            self._store = S3Store.from_url(
                url,
                endpoint=endpoint,
                virtual_hosted_style_request=False,
                client_options={"allow_http": endpoint.startswith("http://")},
            )

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Make the content of one file durable, or leave nothing of it."""
        async with drafted(self._drafts, chunks) as draft:
            key = key_of(draft.sha256, file)
            try:
                await self._store.put_async(key, draft.path)
            except BaseError as error:
                raise Unavailable("blobs") from error
            return Blob(key, draft.size, draft.sha256)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, piece by piece."""
        try:
            found = await self._store.get_async(
                key, options={"range": {"offset": start} if end is None else (start, end)}
            )
            async for piece in found.stream(min_chunk_size=READ_AT_ONCE):
                yield bytes(piece)
        except _UNAVAILABLE as error:
            raise Unavailable("blobs") from error

    async def remove(self, key: str) -> None:
        """Remove content; repeating it does no harm."""
        try:
            await self._store.delete_async(key)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise Unavailable("blobs") from error

    async def older(self, than: Instant) -> Sequence[str]:
        """The keys of what was saved before an instant; drafts as old as that are removed."""
        remove_old(self._drafts, than.timestamp())
        found: list[str] = []
        try:
            pages = self._store.list()  # pyright: ignore[reportUnknownMemberType]  # an overload for Arrow is untyped
            async for page in pages:
                found += [each["path"] for each in page if each["last_modified"] < than]
        except _UNAVAILABLE as error:
            raise Unavailable("blobs") from error
        return found

    async def close(self) -> None:
        """Nothing: connections close by themselves."""
