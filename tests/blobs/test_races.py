"""Concurrent scans, purges and letter changes of one file, with one step held back, leave consistent records.

Source: rules chapters 4 (A012) and 6.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from openers.domain.attachments import UploadedFile
from openers.domain.errors import RecordLocked
from openers.key_files import read_or_make_key
from openers.store.postgres import Patience, open_postgres
from openers.usecases.files.purge_files import REMOVE, purge_file
from openers.usecases.files.scan_file import scan_file
from openers.usecases.files.upload_file import PURGE, SCAN
from openers.usecases.ports.files import Scanner, Verdict
from openers.usecases.ports.transaction import DueItem
from tests.kit.files.practice import Practice, practice_in
from tests.kit.files.samples import INFECTED, Sample, attachments_of, availability_of
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.requests import Json
from tests.kit.service.running import Running, edge_in, entry
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio


class HeldScanner:
    """A scanner that holds its verdict back until `go`. It sets `reached` when it has a verdict."""

    def __init__(self, scanner: Scanner) -> None:
        """Forward files to `scanner`."""
        self._scanner = scanner
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def scan(self, file: UploadedFile, chunks: AsyncIterator[bytes]) -> Verdict:
        """Scan at once; return the verdict only after `go`."""
        verdict = await self._scanner.scan(file, chunks)
        self.reached.set()
        await self.go.wait()
        return verdict

    async def check(self) -> None:
        """Check the real scanner."""
        await self._scanner.check()


@pytest.fixture
async def it(on_both: Running) -> AsyncGenerator[Practice]:
    """Return a practice on each kind of database. On PostgreSQL, locks wait for as long as a test may take."""
    service = on_both.service
    if service.settings.sqlite_path:
        yield await practice_in(on_both)
        return
    key = read_or_make_key(service.settings.audit_key_file, strict=True)
    store = await open_postgres(service.settings.database_url, key, patience=Patience(lock_s=HANGS_AFTER_S))
    world = msgspec.structs.replace(service.world, store=store)
    edge = edge_in(world, service)
    yield await practice_in(Running(msgspec.structs.replace(service, world=world, edge=edge), on_both.clients))
    await store.close()


@asynccontextmanager
async def scanning(it: Practice, file: str) -> AsyncGenerator[asyncio.Task[None]]:
    """Start a scan and hold its verdict back; the scan stores it when the `with` block ends."""
    world = it.run.service.world.for_call(entry())
    held = HeldScanner(world.scanner)
    item = await claimed(it, SCAN, file)
    task = asyncio.create_task(scan_file(item, msgspec.structs.replace(world, scanner=held)))
    async with asyncio.timeout(HANGS_AFTER_S):
        await held.reached.wait()
    yield task
    held.go.set()
    await asyncio.wait([task])


async def claimed(it: Practice, kind: str, file: str) -> DueItem:
    """Claim the due work of this kind for the file, as its runner does."""
    now = datetime.now(UTC)
    async with it.run.service.world.for_call(entry()).begin("claim") as tx:
        await tx.due.add(kind, file, now)
        [item] = [each for each in await tx.due.claim(kind, now, now, 100) if each.key == file]
    return item


async def purge(it: Practice, file: str) -> None:
    """Purge the file, as its runner does when the time is over."""
    await purge_file(await claimed(it, PURGE, file), it.run.service.world.for_call(entry()))


async def consistent(it: Practice, ubrn: str) -> Json:
    """Check that the referral shows exactly its own files with their availability and content; return the referral."""
    async with it.run.service.world.read() as tx:
        files = [await tx.files.get(row[0]) for row in (await it.rows("files"))["files"]]
    referral = await it.read(ubrn)
    own = {f"Binary/{file.id}": file for file in files if file is not None and file.attached_to == ubrn}
    shown = dict(zip((each["url"] for each in attachments_of(referral)), availability_of(referral), strict=True))
    assert shown == {url: file.availability for url, file in own.items()}
    for file in own.values():
        assert sum([len(piece) async for piece in it.run.service.world.blobs.read(file.blob)]) == file.size
    return referral


async def due_of(it: Practice, file: str) -> set[str]:
    """Return the kinds of work that are due for a file."""
    rows: list[tuple[Any, ...]] = (await it.rows("due"))["due"]
    return {row[0] for row in rows if row[1] == file}


@pytest.mark.parametrize(("sample", "found"), [(Sample("a.txt", "text/plain", b"a"), 307), (INFECTED, 422)])
async def test_a_scan_and_a_letter_that_takes_its_file(it: Practice, sample: Sample, found: int) -> None:
    """A letter changed during the scan shows the file as pending. The repeated scan then updates the referral."""
    ubrn = await it.refer()
    file = await it.file(ubrn, "a.txt", sample)
    async with scanning(it, file) as scan:
        lettered = await it.maintain(ubrn, 3, file)
    assert (lettered.status_code, availability_of(lettered.json())) == (200, ["PENDING"])
    with pytest.raises(RecordLocked):
        scan.result()
    assert SCAN in await due_of(it, file)
    assert await consistent(it, ubrn) == lettered.json()
    await it.scan(file)
    assert (await consistent(it, ubrn))["meta"]["versionId"] == "5"
    assert (await it.gp.get(f"/R4/Binary/{file}")).status_code == found


async def test_a_scan_and_a_letter_that_leaves_its_file_out(it: Practice) -> None:
    """The scan does not change a referral that no longer has the file."""
    ubrn, [file], version = await it.lettered("old.pdf")
    other = await it.file(ubrn, "new.pdf")
    async with scanning(it, file) as scan:
        replaced = await it.maintain(ubrn, version, other)
    assert replaced.status_code == 200
    with pytest.raises(RecordLocked):
        scan.result()
    await it.scan(file)
    assert await consistent(it, ubrn) == replaced.json()
    assert (await it.gp.get(f"/R4/Binary/{file}")).status_code == 307


async def test_a_scan_and_letters_that_leave_its_file_out_and_take_it_back(it: Practice) -> None:
    """If the letter drops the file and takes it back, the scan updates the current version of the referral."""
    ubrn, [file], version = await it.lettered("old.pdf")
    other = await it.file(ubrn, "new.pdf")
    async with scanning(it, file) as scan:
        await it.maintain(ubrn, version, other)
        back = await it.maintain(ubrn, version + 1, other, file)
    scan.result()
    assert availability_of(back.json()) == ["PENDING", "PENDING"]
    assert availability_of(await consistent(it, ubrn)) == ["PENDING", "AVAILABLE"]


async def test_a_scan_and_a_purge(it: Practice) -> None:
    """A file that is purged during its scan stays purged, and no work remains."""
    file = await it.file(await it.refer())
    async with scanning(it, file) as scan:
        await purge(it, file)
    scan.result()
    assert (await it.gp.get(f"/R4/Binary/{file}")).status_code == 404
    assert await due_of(it, file) == set()


async def test_two_scans_of_one_file(it: Practice) -> None:
    """A second scan may start if the first one outlasts its claim. The referral still changes only once."""
    ubrn, [file], version = await it.lettered("old.pdf")
    async with scanning(it, file) as scan:
        await it.scan(file)
    scan.result()
    assert (await consistent(it, ubrn))["meta"]["versionId"] == str(version + 1)


@pytest.mark.parametrize("letter_first", [True, False])
async def test_a_purge_and_a_letter_that_takes_its_file(it: Practice, letter_first: bool) -> None:
    """If a letter attaches the file before the purge, the file stays. If the purge is first, A012 gets 422."""
    ubrn = await it.refer()
    file = await it.file(ubrn)
    item = await claimed(it, PURGE, file)
    statuses: list[int] = []

    async def attach() -> None:
        statuses.append((await it.maintain(ubrn, 3, file)).status_code)

    async def purge() -> None:
        await purge_file(item, it.run.service.world.for_call(entry()))

    await meet(it, file, *((attach, purge) if letter_first else (purge, attach)))
    referral = await consistent(it, ubrn)
    to_remove = [row for row in (await it.rows("due"))["due"] if row[0] == REMOVE]
    if letter_first:
        assert statuses == [200]
        assert [each["url"] for each in attachments_of(referral)] == [f"Binary/{file}"]
        assert to_remove == []
    else:
        assert statuses == [422]
        assert (referral["meta"]["versionId"], len(to_remove)) == ("3", 1)
        assert (await it.gp.get(f"/R4/Binary/{file}")).status_code == 404


async def meet(
    it: Practice, file: str, first: Callable[[], Awaitable[None]], then: Callable[[], Awaitable[None]]
) -> None:
    """Make both wait for the lock of a file in this order, then release it. On SQLite, acts queue without this lock."""
    if it.run.service.settings.sqlite_path:
        await asyncio.gather(first(), then())
        return
    async with asyncio.TaskGroup() as tasks, it.run.service.world.for_call(entry()).begin("hold", lock=(file,)):
        tasks.create_task(of(first()))
        await until_waiting(it, 1)
        tasks.create_task(of(then()))
        await until_waiting(it, 2)


async def until_waiting(it: Practice, count: int) -> None:
    """Wait until `count` transactions of this database wait for an advisory lock."""
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with asyncio.timeout(HANGS_AFTER_S):
        while (await fetch(it.run.service.settings.database_url, waiting))[0][0] < count:
            pass


async def of(awaited: Awaitable[None]) -> None:
    """Wrap an awaitable in a coroutine."""
    await awaited
