"""The memory and disk use of a running service stays limited while it transfers large files of any size.

Source: docs/explanation/files.md.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final

from tests.kit.files.clients import A039, MIB, Desk, Memory
from tests.kit.run.command import settings_in
from tests.kit.run.waiting import until
from tests.kit.service.live import Live, live
from tests.kit.service.running import copied

UPLOADS: Final = 20
SIZE: Final = int(os.environ.get("OPENERS_TEST_UPLOAD_MIB", "8")) * MIB
"""`make soak` uses files of 100 MiB, the largest accepted size, with the same limits."""
MORE_WHILE_UPLOADING: Final = 64.0
MORE_WHILE_FETCHING: Final = 24.0
"""The additional memory in MiB that the service may use: 3 for each upload and 2 for each reader."""
READERS: Final = 10


def test_uploads_and_slow_readers_stay_out_of_memory(sqlite_template: Path, tmp_path: Path) -> None:
    """Memory stays within its limits during twenty uploads with scans, and while ten slow readers read."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as service:
        desk, memory = Desk(service), Memory(service.pid)
        scanned(desk, [desk.upload(MIB)])
        before = memory.now()
        memory.forget_peak()
        files = desk.upload_many(UPLOADS, SIZE, A039)
        scanned(desk, files)
        uploading = memory.peak() - before
        assert uploading < MORE_WHILE_UPLOADING
        assert sorted(sizes(tmp_path)) == [MIB, *[SIZE] * UPLOADS]
        before = memory.now()
        memory.forget_peak()
        fetch_slowly(desk, files[:READERS])
        assert memory.peak() - before < MORE_WHILE_FETCHING
        closed(service)


def scanned(desk: Desk, files: list[str]) -> None:
    """Wait until all files can be downloaded."""
    for file in files:
        until(partial(_can_be_fetched, desk, file), "not scanned")


def _can_be_fetched(desk: Desk, file: str) -> bool:
    return desk.status(file) == 307


def fetch_slowly(desk: Desk, files: list[str]) -> None:
    """Read a part of each file in turns, then disconnect."""
    with ExitStack() as open_at_once:
        replies = [open_at_once.enter_context(desk.fetching(file)) for file in files]
        for _ in range(3):
            for reply in replies:
                assert len(reply.read(MIB)) == MIB


def sizes(directory: Path) -> list[int]:
    """Return the sizes of all stored files."""
    return [path.stat().st_size for path in (directory / "openers.db.blobs").rglob("*") if path.is_file()]


def closed(service: Live) -> None:
    """Wait until the service has no open file in its blob store."""
    until(lambda: not open_files(service), "files stay open")


def open_files(service: Live) -> list[str]:
    """Return the open files of the service in its blob store."""
    found: list[str] = []
    for each in Path(f"/proc/{service.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since the listing
            found.append(str(each.readlink()))
    return [each for each in found if ".blobs/" in each]
