"""Both blob stores behave alike. Source: rules chapter 6 (life of a file); the decision on blobs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from openers.domain.errors import Unavailable
from openers.files.blobs_in_s3 import PART, BlobsInS3
from openers.files.drafts import PIECE
from openers.usecases.ports.files import Blobs
from tests.kit.files.kept import BlobsInView, broken_off, content_of, in_pieces, joined, new_file
from tests.kit.files.s3 import Bucket
from tests.kit.run.moments import now
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.live import free_port

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)
LARGE = 2 * PART + 7
"""Larger than one part of an upload to S3, and than one chunk in memory."""


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, LARGE])
@pytest.mark.parametrize("piece", [64 * 1024, 3 * PIECE])
async def test_what_is_saved_is_read_back(kept: BlobsInView, size: int, piece: int) -> None:
    """The store returns the same bytes, their size and hash, and a key that starts with the hash. No draft remains."""
    content = content_of(size)
    blob = await kept.blobs.save(new_file(), in_pieces(content, piece))
    assert (blob.size, blob.sha256) == (size, sha256(content).hexdigest())
    assert blob.key.startswith(blob.sha256)
    assert kept.names() == {blob.key}
    assert not list(kept.drafts.iterdir())
    assert await joined(kept.blobs, blob.key) == content


@pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 4), (7, None), (300_000, 1_000_000), (LARGE - 1, LARGE)])
async def test_a_range_is_read(kept: BlobsInView, start: int, end: int | None) -> None:
    """A range includes its first byte and excludes its end."""
    content = content_of(LARGE)
    blob = await kept.blobs.save(new_file(), in_pieces(content, PIECE))
    assert await joined(kept.blobs, blob.key, start, end) == content[start:end]


@pytest.mark.parametrize("error", [LookupError(), asyncio.CancelledError()])
@pytest.mark.parametrize("size", [0, 10, PIECE + 10])
async def test_content_that_does_not_come_to_its_end_leaves_nothing(
    kept: BlobsInView, size: int, error: BaseException
) -> None:
    """An error before or after the first write leaves no data, and the store raises the same error."""
    pieces = [piece async for piece in in_pieces(content_of(size), 1000)]
    with pytest.raises(type(error)):
        await kept.blobs.save(new_file(), broken_off(pieces, error))
    assert kept.is_empty()


async def test_a_save_that_is_broken_off_leaves_nothing(kept: BlobsInView) -> None:
    """A save that is cancelled while it waits for more content leaves no data."""
    waiting = asyncio.Event()

    async def stuck() -> AsyncGenerator[bytes]:
        for _ in range(3):
            yield content_of(PIECE)
        waiting.set()
        await asyncio.Event().wait()

    saving = asyncio.create_task(kept.blobs.save(new_file(), stuck()))
    await waiting.wait()
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    assert kept.is_empty()


async def test_saves_beside_each_other_do_not_mix(kept: BlobsInView) -> None:
    """Twenty different contents and twenty equal ones are saved at once. Each file gets its own blob."""
    contents = [content_of(PIECE + number) for number in range(20)] + [content_of(5)] * 20
    blobs = await asyncio.gather(*(kept.blobs.save(new_file(), in_pieces(each, 50_000)) for each in contents))
    assert kept.names() == {blob.key for blob in blobs}
    assert len(kept.names()) == len(contents)
    assert [await joined(kept.blobs, blob.key) for blob in blobs] == contents


async def test_what_is_removed_is_gone_and_removing_it_again_does_no_harm(kept: BlobsInView) -> None:
    """Removed content cannot be read, and a second removal does nothing. Equal content of another file stays."""
    gone, stays = [await kept.blobs.save(new_file(), in_pieces(b"letter", 6)) for _ in range(2)]
    await kept.blobs.remove(gone.key)
    await kept.blobs.remove(gone.key)
    assert kept.names() == {stays.key}
    with pytest.raises(Unavailable):
        await joined(kept.blobs, gone.key)
    assert await joined(kept.blobs, stays.key) == b"letter"


async def test_what_is_older_is_found(kept: BlobsInView) -> None:
    """The store lists its own blobs by the time of their save, and never other files in the same place."""
    blobs = [await kept.blobs.save(new_file(), in_pieces(content_of(size), size)) for size in (1, 2, 3)]
    kept.put("notes.txt", b"not ours")
    assert await older(kept.blobs, now() - HOUR) == set()
    assert await older(kept.blobs, now() + HOUR) == {blob.key for blob in blobs}
    assert "notes.txt" in kept.names()


async def test_old_drafts_are_removed(kept: BlobsInView) -> None:
    """Old drafts of a crash are removed, and recent drafts stay."""
    (kept.drafts / "left").write_bytes(b"half a letter")
    await kept.blobs.remove_drafts(datetime.now(UTC) - HOUR)
    assert [path.name for path in kept.drafts.iterdir()] == ["left"]
    await kept.blobs.remove_drafts(datetime.now(UTC) + HOUR)
    assert kept.is_empty()


async def test_a_reader_that_stops_lets_go(kept: BlobsInView) -> None:
    """A reader that stops early leaves no open file."""
    blob = await kept.blobs.save(new_file(), in_pieces(content_of(LARGE), PIECE))
    await first_piece(kept.blobs, blob.key)
    before = open_files(blob.key)
    for _ in range(5):
        await first_piece(kept.blobs, blob.key)
    assert open_files(blob.key) == before == 0
    await kept.blobs.remove(blob.key)
    assert kept.is_empty()


async def test_a_bucket_that_is_not_there(bucket: Bucket, tmp_path: Path) -> None:
    """With a missing bucket, every method raises Unavailable and no draft remains."""
    blobs = BlobsInS3("s3://no-such-bucket/files", tmp_path / "drafts", bucket.endpoint)
    await unavailable(blobs, tmp_path / "drafts")


async def test_a_server_that_does_not_answer(bucket: Bucket, tmp_path: Path) -> None:
    """If the server does not reply, every method raises Unavailable without a wait of minutes."""
    blobs = BlobsInS3(bucket.url, tmp_path / "drafts", f"http://127.0.0.1:{free_port()}")
    async with asyncio.timeout(HANGS_AFTER_S):
        await unavailable(blobs, tmp_path / "drafts")


async def test_an_upload_in_parts_that_breaks_off_leaves_nothing(bucket: Bucket, tmp_path: Path) -> None:
    """If the bucket disappears during an upload in parts, the save raises Unavailable and leaves no draft."""
    blobs = BlobsInS3(bucket.url, tmp_path / "drafts", bucket.endpoint)

    async def then_no_bucket() -> AsyncGenerator[bytes]:
        yield content_of(LARGE)
        await asyncio.to_thread(bucket.lose)

    with pytest.raises(Unavailable):
        await blobs.save(new_file(), then_no_bucket())
    assert not list((tmp_path / "drafts").iterdir())


async def unavailable(blobs: Blobs, drafts: Path) -> None:
    """Check that every method raises Unavailable and that no draft remains."""
    with pytest.raises(Unavailable):
        await blobs.save(new_file(), in_pieces(content_of(LARGE), PIECE))
    with pytest.raises(Unavailable):
        await joined(blobs, f"{'0' * 64}.{'0' * 32}")
    with pytest.raises(Unavailable):
        await older(blobs, datetime.now(UTC))
    await blobs.close()
    assert not os.listdir(drafts)


async def older(blobs: Blobs, than: datetime) -> set[str]:
    """Return all keys that are older."""
    return {key async for keys in blobs.older(than) for key in keys}


async def first_piece(blobs: Blobs, key: str) -> bytes:
    """Read one chunk, then stop."""
    async with aclosing(blobs.read(key)) as pieces:
        return await anext(pieces)


def open_files(key: str) -> int:
    """Return the number of files with this name that the process has open."""
    return sum(key in str(each.resolve()) for each in Path("/proc/self/fd").iterdir())
