"""Behaviour of the SQLite store only: groups of acts that commit together, forks, checkpoints, one writer."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from openers.domain.directory import Organisation, OrganisationKind
from openers.domain.errors import Unavailable
from openers.domain.identifiers import OdsCode, Postcode, Ubrn
from openers.store import sqlite as sqlite_store
from openers.store.audit.reading import read_chain
from openers.store.audit.verify import verify
from openers.store.engine import sqlite_connection
from openers.store.engine.sqlite_connection import SETTINGS, connect, settings_of
from openers.store.engine.writer_lock import WriterLock
from openers.store.sqlite import CHECKPOINT_EVERY, LOOK_AGAIN_S, SqliteStore, open_sqlite
from tests.kit.store.outside import fetch
from tests.kit.store.records import KEY, add_referral, entry, fails_after_writing, found, referral

pytestmark = pytest.mark.anyio
PROVIDER, PLACE = OrganisationKind.PROVIDER, Postcode("LS1 4AP")


@contextmanager
def full_disk(path: Path) -> Generator[None]:
    """Limit file sizes to the present size of the database's log, so that a commit that appends to it fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_size(path), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def log_size(path: Path) -> int:
    """Return the size of the write-ahead log in bytes."""
    log = Path(f"{path}-wal")
    return log.stat().st_size if log.exists() else 0


async def blocks(path: Path) -> list[int]:
    """Return the number of entries in each audit block."""
    rows = await fetch(f"sqlite:///{path}", "SELECT entries FROM audit_blocks ORDER BY seq")
    return [bytes(row[0]).count(b"\n") for row in rows]


async def whole(path: Path) -> bool:
    """Return whether the audit verifies."""
    chain, heads = await read_chain(f"sqlite:///{path}")
    return verify(chain, heads, KEY) == []


def test_every_connection_is_durable(sqlite_file: Path) -> None:
    """Each connection sets and checks the settings, and syncs each commit."""
    raw = connect(sqlite_file)
    assert settings_of(raw) == SETTINGS
    assert (SETTINGS["journal_mode"], SETTINGS["synchronous"]) == ("wal", 2)
    raw.close()


def test_a_file_that_can_t_be_set_up_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not a database, a missing folder and settings that do not take effect are unavailable."""
    (tmp_path / "text").write_text("This is a text of some length. " * 100)
    with pytest.raises(Unavailable):
        connect(tmp_path / "text")
    with pytest.raises(Unavailable):
        connect(tmp_path / "no folder" / "openers.db")
    monkeypatch.setattr(sqlite_connection, "SETTINGS", {**SETTINGS, "page_size": 77})
    with pytest.raises(Unavailable, match="settings"):
        connect(tmp_path / "openers.db")


async def test_acts_that_start_together_make_one_block(sqlite: SqliteStore) -> None:
    """One block also contains the entries of concurrent reads and refusals."""
    acts = [add_referral(sqlite, referral(each)) for each in range(1, 9)]
    await asyncio.gather(*acts, sqlite.record_audit(entry("read")))
    assert await blocks(sqlite.path) == [9]


@contextmanager
def locked(path: Path) -> Generator[sqlite3.Connection]:
    """Hold the write lock from another connection, as a backup or a shell does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_calls_go_on_while_another_process_has_the_write_lock(sqlite: SqliteStore) -> None:
    """Acts and audit entries wait without blocking the event loop; reads do not wait, and all succeed."""
    await add_referral(sqlite, referral(1))
    with locked(sqlite.path) as other:
        calls = (*(add_referral(sqlite, referral(each)) for each in (2, 3, 4)), sqlite.record_audit(entry("read")))
        waiting: list[asyncio.Task[object]] = [asyncio.create_task(each) for each in calls]
        waiting[1].cancel()
        for _ in range(3):
            await asyncio.wait(waiting, timeout=2 * LOOK_AGAIN_S)
            assert await found(sqlite, Ubrn.of(1)) is not None
            await sqlite.check()
        assert [each.done() for each in waiting] == [False, True, False, False]
        other.execute("ROLLBACK")
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended[1:2]] == [asyncio.CancelledError]
    assert [await found(sqlite, Ubrn.of(each)) is not None for each in (1, 2, 3, 4)] == [True, True, False, True]
    assert await blocks(sqlite.path) == [1, 3], "those that waited make one group"
    assert await whole(sqlite.path)


async def test_a_write_lock_that_stays_is_unavailable(sqlite_file: Path) -> None:
    """If the write lock stays, a call fails after the waiting time; afterwards the store works again."""
    store = SqliteStore(sqlite_file, connect(sqlite_file), KEY, patience_s=0.0)
    with locked(sqlite_file):
        calls = (add_referral(store, referral(1)), store.record_audit(entry("read")))
        ended = await asyncio.gather(*calls, return_exceptions=True)
        with pytest.raises(Unavailable):
            store.restore(sqlite_file)
    assert [type(each) for each in ended] == [Unavailable] * 2
    await add_referral(store, referral(2))
    assert [await found(store, Ubrn.of(each)) is not None for each in (1, 2)] == [False, True]
    await store.close()


def test_no_connection_waits_for_a_lock(sqlite_file: Path) -> None:
    """No connection lets SQLite wait for a lock, because that would block the event loop."""
    with closing(connect(sqlite_file)) as raw:
        assert raw.execute("PRAGMA busy_timeout").fetchone() == (0,)


async def test_a_failing_act_leaves_its_group_whole(sqlite: SqliteStore) -> None:
    """The block has the entries of the other acts, but not that of the failed act."""

    async def fail() -> None:
        async with sqlite.begin(entry("failing")) as tx:
            await fails_after_writing(tx, referral(9))

    ended = await asyncio.gather(
        add_referral(sqlite, referral(1)), fail(), add_referral(sqlite, referral(2)), return_exceptions=True
    )
    assert isinstance(ended[1], LookupError)
    assert await blocks(sqlite.path) == [2]
    assert [await found(sqlite, Ubrn.of(each)) is not None for each in (1, 2, 9)] == [True, True, False]


async def test_a_failed_commit_fails_every_member_and_the_next_group_works(sqlite: SqliteStore) -> None:
    """If a commit fails, no member is acknowledged, and the next group reuses the numbers of the chain."""
    await add_referral(sqlite, referral(1))
    with full_disk(sqlite.path):
        acts = [add_referral(sqlite, referral(each)) for each in (2, 3)]
        ended = await asyncio.gather(*acts, sqlite.record_audit(entry("read")), return_exceptions=True)
    assert [type(each) for each in ended] == [Unavailable] * 3
    assert sqlite.generation == 1, "caches of what was read in the failed group are to be forgotten"
    await add_referral(sqlite, referral(4))
    assert [await found(sqlite, Ubrn.of(each)) is not None for each in (1, 2, 3, 4)] == [True, False, False, True]
    assert await blocks(sqlite.path) == [1, 1]
    assert await whole(sqlite.path)


async def test_a_database_that_is_full_within_an_act_fails_its_group(sqlite_file: Path) -> None:
    """If SQLite rolls back the whole transaction, no member is acknowledged and no write stays."""
    raw = connect(sqlite_file)
    store = SqliteStore(sqlite_file, raw, KEY)
    await add_referral(store, referral(1))
    pages = raw.execute("PRAGMA page_count").fetchone()[0]
    raw.execute(f"PRAGMA max_page_count = {pages}")

    async def fill(number: int) -> None:
        async with store.begin(entry("filling")) as tx:
            for more in range(200):
                await tx.referrals.add(referral(1000 * number + more))
                await tx.referrals.next_ubrn()

    ended = await asyncio.gather(add_referral(store, referral(2)), fill(1), fill(2), return_exceptions=True)
    assert all(isinstance(each, Unavailable) for each in ended[1:])
    raw.execute("PRAGMA max_page_count = 1073741823")
    kept = not isinstance(ended[0], Exception)
    await add_referral(store, referral(3))
    assert [await found(store, Ubrn.of(each)) is not None for each in (1, 2, 3, 1000, 2000)] == [
        True, kept, True, False, False,
    ]  # fmt: skip
    assert await whole(sqlite_file)
    await store.close()


async def test_a_body_that_suspends_is_refused_and_undone(sqlite: SqliteStore) -> None:
    """An act that suspends fails at its end and stores nothing; concurrent acts are stored."""

    async def suspends() -> None:
        async with sqlite.begin(entry("suspends")) as tx:
            await tx.referrals.add(referral(1))
            await asyncio.sleep(0)

    ended = await asyncio.gather(suspends(), add_referral(sqlite, referral(2)), return_exceptions=True)
    assert isinstance(ended[0], RuntimeError)
    await sqlite.record_audit(entry("after"))
    assert [await found(sqlite, Ubrn.of(each)) is not None for each in (1, 2)] == [False, True]
    assert await whole(sqlite.path)


async def test_a_body_that_suspended_can_write_no_more(sqlite: SqliteStore) -> None:
    """An act that suspended cannot write after its group's commit, nor in the next group."""

    async def suspends() -> None:
        async with sqlite.begin(entry("suspends")) as tx:
            await tx.referrals.next_ubrn()
            for number in range(1, 4):
                await asyncio.sleep(0)
                await tx.referrals.add(referral(number))

    others = [add_referral(sqlite, referral(each)) for each in (5, 6)]
    ended = await asyncio.gather(suspends(), *others, suspends(), return_exceptions=True)
    assert [isinstance(each, RuntimeError) for each in ended] == [True, False, False, True]
    await add_referral(sqlite, referral(7))
    assert [await found(sqlite, Ubrn.of(each)) is not None for each in (1, 2, 3, 5, 6, 7)] == [False] * 3 + [True] * 3
    assert (await fetch(f"sqlite:///{sqlite.path}", "SELECT value FROM counters WHERE name = 'ubrn'")) == [(0,)]


async def test_an_entry_that_can_t_be_written_fails_its_act_alone(sqlite: SqliteStore) -> None:
    """An act whose entry contains a lone surrogate fails; the others of its group are stored."""

    async def act(number: int, about: str) -> None:
        async with sqlite.begin(entry(about)) as tx:
            await tx.referrals.add(referral(number))

    ended = await asyncio.gather(act(1, "good"), act(2, "bad \ud800"), act(3, "good"), return_exceptions=True)
    assert [isinstance(each, Exception) for each in ended] == [False, True, False]
    assert [await found(sqlite, Ubrn.of(each)) is not None for each in (1, 2, 3)] == [True, False, True]


async def test_a_snapshot_is_a_world_of_its_own(sqlite: SqliteStore, tmp_path: Path) -> None:
    """A snapshot opens as a separate store, with its own data and audit chain from that moment on."""
    await add_referral(sqlite, referral(1))
    opening = asyncio.create_task(add_referral(sqlite, referral(2)))
    await asyncio.sleep(0)
    sqlite.snapshot(tmp_path / "fork.db")
    await opening
    fork = open_sqlite(tmp_path / "fork.db", KEY)
    await add_referral(fork, referral(3))
    await add_referral(sqlite, referral(4))
    assert [await found(fork, Ubrn.of(each)) is not None for each in (1, 2, 3, 4)] == [True, True, True, False]
    assert [await found(sqlite, Ubrn.of(each)) is not None for each in (1, 2, 3, 4)] == [True, True, False, True]
    await fork.close()
    assert await whole(tmp_path / "fork.db")
    assert await whole(sqlite.path)


async def test_checkpoints_keep_the_log_bounded(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log stays bounded during continuous writing."""
    monkeypatch.setattr(sqlite_connection, "LONGEST_LOG_PAGES", 64)
    path, rounds = sqlite.path, 12
    sizes: list[int] = []
    for _ in range(rounds):
        for _ in range(CHECKPOINT_EVERY):
            await sqlite.record_audit(entry("read"))
        sizes.append(log_size(path))
    await sqlite.close()
    assert sizes[-1] < rounds / 2 * sizes[0]
    assert log_size(path) == 0
    assert len(await blocks(path)) == rounds * CHECKPOINT_EVERY
    assert await whole(path)


async def test_an_import_keeps_the_log_bounded(sqlite: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few acts that change many rows are moved into the file as well, long before so many groups have committed."""
    monkeypatch.setattr(sqlite_connection, "LONGEST_LOG_PAGES", 64)
    monkeypatch.setattr(sqlite_store, "CHANGES_BETWEEN", 1000)
    sizes: list[int] = []
    for part in range(CHECKPOINT_EVERY // 4):
        made = [Organisation(OdsCode(f"Z{part:03}{n:04}"), "x" * 1000, PROVIDER, PLACE) for n in range(500)]
        async with sqlite.begin(entry("import")) as tx:
            await tx.registers.organisations.write([(None, each) for each in made])
        sizes.append(log_size(sqlite.path))
    assert sizes[-1] < len(sizes) / 2 * sizes[0]


def test_one_process_at_a_time_may_write(tmp_path: Path) -> None:
    """A second process cannot lock the database until the first one ends, even by a kill."""
    path = tmp_path / "openers.db"
    holding = (
        "import sys; from pathlib import Path; from openers.store.engine.writer_lock import WriterLock; "
        "lock = WriterLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(BlockingIOError):
        WriterLock(path)
    other.kill()
    other.communicate()
    lock = WriterLock(path)
    with pytest.raises(BlockingIOError):
        WriterLock(path)
    lock.release()
    WriterLock(path).release()


async def test_a_store_that_is_closed_says_so(sqlite_file: Path) -> None:
    """A late call fails as unavailable; an act in progress is durable."""
    store = open_sqlite(sqlite_file, KEY)
    late = asyncio.create_task(add_referral(store, referral(1)))
    await asyncio.sleep(0)
    await store.close()
    await late
    for attempt in (add_referral(store, referral(2)), store.record_audit(entry()), store.check()):
        with pytest.raises(Unavailable):
            await attempt
    with sqlite3.connect(sqlite_file) as raw:
        assert raw.execute("SELECT count(*) FROM referrals").fetchone() == (1,)
