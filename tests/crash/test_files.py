"""A service killed between the steps of an upload, a scan and a purge: each file ends complete, finished or swept.

The steps are: draft, name, commit, scan, store the result, delete the file's record, remove its content. A kill hits
between each two steps; the test observes the progress from outside. Source: files.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator
from contextlib import ExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

import asyncpg
import pytest

from openers.store.engine.sqlite_connection import sqlite_path
from openers.usecases.files.purge_files import SWEEP, purge_file
from openers.usecases.files.upload_file import PURGE
from openers.usecases.ports.transaction import DueItem
from tests.crash.audit import check_audit
from tests.crash.held_clamd import HeldClamd, held_clamd
from tests.kit.files.clients import A020, FHIR, MIB, PIECE, Desk
from tests.kit.files.samples import upload as uploaded
from tests.kit.run.command import settings_in
from tests.kit.run.waiting import HANGS_AFTER_S, LOOK_EVERY_S
from tests.kit.service.live import Live, live
from tests.kit.service.running import GP, entry, running, settings_for
from tests.kit.store.outside import execute, fetch

pytestmark = pytest.mark.anyio
LONG_AGO_S: Final = 2 * 60 * 60
SLOW: Final = b"This one is scanned slowly."
SIZE: Final = 3 * MIB


class Place:
    """The files and the database of the service, seen from outside."""

    def __init__(self, url: str, keys: Path, directory: Path, clamd: Path) -> None:
        """Use `directory` for the files, and the scanner's socket `clamd`."""
        self.url, self.keys, self.files = url, keys, directory / "blobs"
        self.settings = settings_in(keys, url, OPENERS_BLOB_URL=f"file:{self.files}", OPENERS_CLAMD_URL=f"unix:{clamd}")

    def drafts(self) -> list[Path]:
        """Return the drafts that have some content."""
        return [each for each in (self.files / "drafts").iterdir() if each.stat().st_size]

    def contents(self) -> dict[str, Path]:
        """Return the stored content, by key."""
        return {each.name: each for each in self.files.glob("??/*")}

    async def known(self) -> dict[str, dict[str, Any]]:
        """Return the record of each file, by id."""
        return {each: json.loads(body) for each, body in await fetch(self.url, "SELECT id, body FROM files")}

    async def check(self) -> None:
        """Assert that each recorded file has its content, unchanged."""
        contents = self.contents()
        for file in (await self.known()).values():
            content = contents[file["blob"]].read_bytes()
            assert (len(content), sha256(content).hexdigest()) == (file["size"], file["sha256"])

    async def strays(self) -> set[str]:
        """Return the keys of content that no file refers to."""
        return self.contents().keys() - {file["blob"] for file in (await self.known()).values()}


@pytest.fixture
def place(demo_url: str, keys: Path, tmp_path: Path) -> Generator[tuple[Place, HeldClamd]]:
    """Provide the storage for each kind of database, and its scanner."""
    with TemporaryDirectory() as directory:
        socket = Path(directory) / "clamd.sock"
        with held_clamd(socket) as clamd:
            yield Place(demo_url, keys, tmp_path, socket), clamd


async def test_kills_between_the_steps_of_a_file(place: tuple[Place, HeldClamd]) -> None:
    """After kills in uploads and a scan, and an unfinished purge, the next service finishes or sweeps every file."""
    here, clamd = place
    kept, unscanned = await kill_in_uploads(here, clamd)
    await kill_in_scan(here, clamd, unscanned)
    forgotten, removed = await forget(here, 2)
    here.contents()[removed].unlink()
    make_old(here)
    await claims_end(here)
    await execute(here.url, "UPDATE due SET due_at = 0 WHERE kind = ?", SWEEP)
    with live(here.settings) as service:
        desk = Desk(service)
        await until(lambda: available(desk, unscanned))
        assert available(desk, kept)
        await until(lambda: not here.drafts())
        await until_none(here.strays)
        assert forgotten not in here.contents()
        await here.check()
        assert set(await here.known()) == {kept, unscanned}
        await until_none(lambda: waiting(here))
        service.stop()
        check_audit(service, here.settings)


async def kill_in_uploads(here: Place, clamd: HeldClamd) -> tuple[str, str]:
    """Kill a service during three uploads: one in the scan, one complete but not committed, one half received.

    Return the ids of a file scanned earlier and of the one in the scan.
    """
    with live(here.settings) as service:
        desk = Desk(service)
        kept = desk.upload(SIZE)
        await until(lambda: available(desk, kept))
        clamd.hold(SLOW)
        unscanned = upload(desk, SLOW)
        assert clamd.reached.wait(HANGS_AFTER_S)
        await kill_while_uploading(here, service, desk)
    clamd.let_go()
    assert len(here.drafts()) == 1, "half an upload"
    assert len(await here.strays()) == 1, "a whole one that was not committed"
    await here.check()
    return kept, unscanned


async def kill_in_scan(here: Place, clamd: HeldClamd, file: str) -> None:
    """Kill a service that has the scan result of a file but has not stored it."""
    clamd.hold(SLOW)
    await claims_end(here)
    with live(here.settings) as service:
        assert clamd.reached.wait(HANGS_AFTER_S), "the scan that was under way begins again"
        async with no_writing(here.url):
            clamd.go.set()
            assert clamd.heard.wait(HANGS_AFTER_S)
            service.kill()
    clamd.let_go()
    assert (await here.known())[file]["availability"] == "PENDING"
    await here.check()


async def kill_while_uploading(here: Place, service: Live, desk: Desk) -> None:
    """Kill the service while one upload is half received, and another is stored but cannot be committed."""
    before = len(here.contents())
    with ExitStack() as both:
        half, whole = (both.enter_context(desk.connected()) for _ in range(2))
        for connection in (half, whole):
            begin_upload(connection, desk)
        await until(lambda: len(here.drafts()) == 2)
        async with no_writing(here.url):
            send(whole, SIZE // 2)
            await until(lambda: len(here.contents()) > before)
            service.kill()
        for connection in (half, whole):
            with pytest.raises((OSError, HTTPException)):
                connection.getresponse()


def begin_upload(connection: HTTPConnection, desk: Desk) -> None:
    """Send half of a file."""
    connection.putrequest("POST", FHIR + A020)
    for name, value in desk.headers(SIZE).items():
        if name.lower() not in ("host", "accept-encoding"):
            connection.putheader(name, value)
    connection.endheaders()
    send(connection, SIZE // 2)


def send(connection: HTTPConnection, size: int) -> None:
    """Send `size` bytes of a body."""
    for _ in range(size // len(PIECE)):
        connection.send(PIECE)


def upload(desk: Desk, content: bytes) -> str:
    """Upload a text, and return its id."""
    reply = desk.gp.post(A020, content=content, headers=desk.headers())
    assert reply.status_code == 201, reply.text
    return reply.headers["location"].removeprefix("Binary/")


def available(desk: Desk, file: str) -> bool:
    """Return whether the file can be retrieved."""
    return desk.status(file) == 307


async def forget(here: Place, count: int) -> list[str]:
    """Purge files with a service that stops before it removes their content; return the content keys."""
    contents: list[str] = []
    async with running(settings_for(here.url, here.keys, blob_url=here.settings["OPENERS_BLOB_URL"])) as run:
        gp = await run.as_person(GP)
        for _ in range(count):
            file = await uploaded(gp)
            contents.append((await here.known())[file]["blob"])
            await purge_file(DueItem(PURGE, file, datetime.now(UTC), 0), run.service.world.for_call(entry()))
    return contents


def make_old(here: Place) -> None:
    """Date all files and drafts back by hours."""
    for path in (*here.drafts(), *here.contents().values()):
        past = path.stat().st_mtime - LONG_AGO_S
        os.utime(path, (past, past))


async def claims_end(here: Place) -> None:
    """End the claims of a killed runner, which would otherwise last five minutes."""
    await execute(here.url, "UPDATE due SET claimed_until = 0")


async def waiting(here: Place) -> list[Any]:
    """Return the scans and removals that are still due."""
    return await fetch(here.url, "SELECT * FROM due WHERE kind IN ('scan file', 'remove content of file')")


@asynccontextmanager
async def no_writing(url: str) -> AsyncGenerator[None]:
    """Lock the file records against writes by others."""
    path = sqlite_path(url)
    if path is None:
        holder = await asyncpg.connect(url)
        try:
            await holder.execute("BEGIN; LOCK TABLE files IN EXCLUSIVE MODE")
            yield
        finally:
            await holder.close()
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield


async def until(holds: Callable[[], bool]) -> None:
    """Return when the condition holds."""
    ends = monotonic() + HANGS_AFTER_S
    while not holds():
        assert monotonic() < ends, "it never came to that"
        await asyncio.sleep(LOOK_EVERY_S)


async def until_none(found: Callable[[], Awaitable[Collection[Any]]]) -> None:
    """Return when nothing is found."""
    ends = monotonic() + HANGS_AFTER_S
    while left := await found():
        assert monotonic() < ends, left
        await asyncio.sleep(LOOK_EVERY_S)
