"""The life of a file in the service: in S3, without a scanner, and on a full disk.

Source: rules chapters 4 (A006, A012, A020, A042) and 6.
"""

from __future__ import annotations

import resource
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from openers.bootstrap import do_due_work
from openers.files.scanning import EICAR
from openers.usecases.due import FIRST_RETRY
from tests.kit.files.clamds import answering, clamd, peer
from tests.kit.files.practice import practice_in
from tests.kit.files.s3 import Bucket
from tests.kit.files.samples import LETTER, Sample, attachments_of, availability_of, maintain, sent, upload
from tests.kit.service.arrangements import Moved, at_time
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running, copied, running, settings_for

pytestmark = pytest.mark.anyio
LARGE = Sample("large.txt", "text/plain", b"A letter that is long. " * 200_000)
"""Larger than 4 MiB."""
HALF = 2 * 1024 * 1024


@pytest.fixture
def database(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the URL of a database with the demo world."""
    return copied(sqlite_template, tmp_path)


@pytest.fixture
async def in_s3(database: str, keys: Path, bucket: Bucket, tmp_path: Path) -> AsyncGenerator[Running]:
    """Run the service with its files in a bucket."""
    where = {"blob_url": bucket.url, "blob_endpoint": bucket.endpoint, "drafts_directory": tmp_path / "drafts"}
    async with running(settings_for(database, keys, **where)) as run:
        yield run


async def test_a_file_walks_through_s3(in_s3: Running, bucket: Bucket) -> None:
    """A file in S3 can be uploaded, scanned, attached, downloaded whole or in part, and purged, as on disk."""
    gp = await in_s3.as_person(GP)
    referral = (await gp.post(**create_referral())).json()
    file, other = [await upload(gp, each, ubrn=referral["id"]) for each in (LARGE, LETTER)]
    assert len(bucket.names()) == 2
    await settle(in_s3)
    lettered = await gp.post(**maintain(referral["id"], referral["meta"]["versionId"], file))
    assert availability_of(lettered.json()) == ["AVAILABLE"]
    [attachment] = attachments_of(lettered.json())
    assert (await gp.get(f"/STU3/{attachment['url']}")).content == LARGE.content
    address = (await gp.get(f"/R4/{attachment['url']}")).headers["location"]
    assert (await fetched(in_s3, address)).content == LARGE.content
    part = await fetched(in_s3, address, {"Range": "bytes=1000000-1000009"})
    assert (part.status_code, part.content) == (206, LARGE.content[1_000_000:1_000_010])
    await settle(at_time(in_s3, clock=Moved(in_s3.service.world.clock, timedelta(days=8))))
    assert (await gp.get(f"/STU3/Binary/{other}")).status_code == 404
    assert len(bucket.names()) == 1
    assert (await gp.get(f"/STU3/{attachment['url']}")).content == LARGE.content


async def test_content_that_can_not_be_reached(in_s3: Running, bucket: Bucket) -> None:
    """Without the bucket, file operations return 503 and change nothing. Other operations work."""
    gp = await in_s3.as_person(GP)
    file = await upload(gp)
    await settle(in_s3)
    bucket.lose()
    before = await rows(in_s3)
    for reply in (await sent(gp), await gp.get(f"/STU3/Binary/{file}")):
        assert (reply.status_code, int(reply.headers["retry-after"]) > 0) == (503, True)
    address = (await gp.get(f"/R4/Binary/{file}")).headers["location"]
    assert (await fetched(in_s3, address)).status_code == 503
    assert await rows(in_s3) == before
    assert not list(in_s3.service.settings.drafts_directory.iterdir())
    assert (await gp.post(**create_referral())).status_code == 201


async def test_a_full_disk(database: str, keys: Path) -> None:
    """An upload that does not fit gets 503 and leaves no data. Smaller uploads still succeed."""
    async with running(settings_for(database, keys)) as run:
        gp = await run.as_person(GP)
        before = await rows(run)
        with no_file_larger_than(HALF):
            assert (await sent(gp, LARGE)).status_code == 503
            assert await rows(run) == before
            assert contents(run) == []
            await upload(gp)
        await upload(gp, LARGE)
        assert len(contents(run)) == 2


async def test_a_scanner_that_is_away_is_asked_again(database: str, keys: Path) -> None:
    """The file stays pending until the scanner is back, and is then scanned by a retry."""
    with TemporaryDirectory() as directory:
        socket = Path(directory) / "clamd.sock"
        async with running(settings_for(database, keys, clamd_url=f"unix:{socket}")) as run:
            gp = await run.as_person(GP)
            file = await upload(gp)
            await settle(run)
            pending = await gp.get(f"/STU3/Binary/{file}")
            assert (pending.status_code, "PENDING" in pending.text) == (422, True)
            async with peer(answering(b"stream: OK\0"), socket):
                await settle(run)
                assert (await gp.get(f"/STU3/Binary/{file}")).status_code == 422
                await settle(at_time(run, clock=Moved(run.service.world.clock, FIRST_RETRY)))
            assert (await gp.get(f"/STU3/Binary/{file}")).content == LETTER.content


@pytest.mark.needs("clamd")
async def test_files_are_scanned_by_clamav(database: str, keys: Path) -> None:
    """With the real daemon, an infected file is quarantined and a clean file can be downloaded."""
    with TemporaryDirectory() as directory:
        socket = Path(directory) / "clamd.sock"
        with clamd(socket):
            async with running(settings_for(database, keys, clamd_url=f"unix:{socket}")) as run:
                gp = await run.as_person(GP)
                good, bad = [await upload(gp, Sample("a.txt", "text/plain", each)) for each in (b"Dear all", EICAR)]
                await settle(run)
                assert (await gp.get(f"/STU3/Binary/{good}")).content == b"Dear all"
                found = await gp.get(f"/STU3/Binary/{bad}")
                assert (found.status_code, "THREATS_FOUND" in found.text) == (422, True)


async def settle(run: Running) -> None:
    """Run all due work."""
    while await do_due_work(run.service):
        pass


async def fetched(run: Running, address: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """Follow a download address of A042; return the reply."""
    return await run.pages().get(urlsplit(address).path, headers=headers)


async def rows(run: Running) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows that uploads and letters change."""
    return await (await practice_in(run)).rows()


def contents(run: Running) -> list[Path]:
    """Return all stored files, including drafts."""
    directory = Path(run.service.settings.blob_url.removeprefix("file:"))
    return [path for path in directory.rglob("*") if path.is_file()]


@contextmanager
def no_file_larger_than(size: int) -> Generator[None]:
    """Limit the size of files that this process can write, so that writes fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
