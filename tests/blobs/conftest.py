"""Fixtures for the two blob stores: a directory and a bucket, each with direct access to its content."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from openers.files.blobs_in_s3 import BlobsInS3
from openers.files.blobs_on_disk import BlobsOnDisk
from tests.kit.files.kept import BlobsInView, kept_in_bucket, kept_on_disk
from tests.kit.files.s3 import ACCESS, Bucket, s3_server


@pytest.fixture(scope="session")
def s3_endpoint() -> Generator[str]:
    """Run an S3 server for this test process; yield its address."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Create a new bucket and set the environment variables that its clients need."""
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    return Bucket(s3_endpoint)


@pytest.fixture(params=["disk", "s3"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[BlobsInView]:
    """Create an empty blob store, once for each kind."""
    if request.param == "disk":
        on_disk = BlobsOnDisk(tmp_path / "blobs")
        yield kept_on_disk(on_disk, tmp_path / "blobs")
        await on_disk.close()
        return
    bucket: Bucket = request.getfixturevalue("bucket")
    in_s3 = BlobsInS3(bucket.url, tmp_path / "drafts", bucket.endpoint)
    yield kept_in_bucket(in_s3, bucket, tmp_path / "drafts")
    await in_s3.close()
