"""The blob store in an S3 bucket, for services on more than one machine; through obstore.

Content is first stored in a draft on this machine, so its key, which begins with its hash, is known before the upload.
A client that disconnects leaves nothing behind. Source: the decision on blobs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obstore.exceptions import BaseError
from obstore.store import S3Store

from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.domain.identifiers import FileId
from openers.files.blob_keys import is_key, key_of
from openers.files.drafts import drafted, remove_old
from openers.files.threads import Threads
from openers.usecases.ports.files import Blob

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

READ_AT_ONCE: Final = 256 * 1024
"""Minimum bytes in each chunk."""
PART: Final = 5 * 1024 * 1024
"""Bytes of each part of an upload, the minimum of S3; a larger file is sent in parts."""
PARTS_AT_ONCE: Final = 2
"""Parts of one file in memory."""
KEYS_AT_ONCE: Final = 1000
_UNAVAILABLE: Final = (BaseError, OSError)
_PART: Final = "blobs"
_RETRY: Final[RetryConfig] = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=15),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=2), "base": 2},
}
"""If the store is unreachable, the client gets an error soon."""
_CLIENT: Final[ClientConfig] = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(seconds=30),
    "timeout": timedelta(hours=1),  # for a whole download, which may have a slow reader
}


class BlobsInS3:
    """The `Blobs` port over a bucket."""

    def __init__(self, url: str, drafts: Path, endpoint: str | None = None) -> None:
        """Open the bucket `s3://bucket/prefix`. `drafts` is a local directory, `endpoint` a server other than AWS.

        Credentials and region come from the environment, as in all S3 clients (`AWS_...`). Raises OSError if `drafts`
        cannot be created, ValueError if the client rejects its options.
        """
        drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._drafts = drafts
        self._threads = Threads()
        try:
            self._store = _open(url, endpoint)
        except BaseError as error:
            raise ValueError(str(error)) from error

    async def save(self, file: FileId, chunks: AsyncIterator[bytes]) -> Blob:
        """Store the content of one file durably, or nothing of it."""
        async with drafted(self._drafts, chunks, self._threads) as draft:
            await self._threads.run(draft.finish)
            key = key_of(draft.sha256, file)
            try:
                await self._store.put_async(key, draft.path, chunk_size=PART, max_concurrency=PARTS_AT_ONCE)
            except BaseError as error:
                raise Unavailable(_PART) from error
            return Blob(key, draft.size, draft.sha256)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `start` to before `end` in chunks."""
        try:
            found = await self._store.get_async(
                key, options={"range": {"offset": start} if end is None else (start, end)}
            )
            async for piece in found.stream(min_chunk_size=READ_AT_ONCE):
                yield bytes(piece)
        except _UNAVAILABLE as error:
            raise Unavailable(_PART) from error

    async def remove(self, key: str) -> None:
        """Remove content; repeating this is harmless."""
        try:
            await self._store.delete_async(key)
        except FileNotFoundError:
            return
        except _UNAVAILABLE as error:
            raise Unavailable(_PART) from error

    async def older(self, than: Instant) -> AsyncGenerator[Sequence[str], None]:
        """Yield the keys of contents stored before an instant, page by page."""
        try:
            pages = self._store.list(chunk_size=KEYS_AT_ONCE)  # pyright: ignore[reportUnknownMemberType]  # an overload for Arrow is untyped
            async for page in pages:
                yield [each["path"] for each in page if is_key(each["path"]) and each["last_modified"] < than]
        except _UNAVAILABLE as error:
            raise Unavailable(_PART) from error

    async def remove_drafts(self, than: Instant) -> None:
        """Remove unfinished uploads of this machine from before an instant."""
        await remove_old(self._drafts, than.timestamp(), self._threads)

    async def close(self) -> None:
        """End the threads; connections close themselves."""
        self._threads.close()


def _open(url: str, endpoint: str | None) -> S3Store:
    if endpoint is None:
        return S3Store.from_url(url, client_options=_CLIENT, retry_config=_RETRY)
    return S3Store.from_url(
        url,
        endpoint=endpoint,
        virtual_hosted_style_request=False,
        client_options={**_CLIENT, "allow_http": endpoint.startswith("http://")},
        retry_config=_RETRY,
    )
