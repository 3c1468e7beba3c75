"""Behaviour of the PostgreSQL store only: locks between processes, a pool, a server that may stop, a sealer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import asyncpg
import pytest
from msgspec.structs import replace

from openers.domain.directory import Organisation, OrganisationKind
from openers.domain.errors import RecordLocked, Unavailable, VersionConflict
from openers.domain.identifiers import OdsCode, Postcode, Ubrn
from openers.store.audit.postgres_sealing import SEALED_AT_ONCE, SEALING, TAKEN_AT_ONCE
from openers.store.audit.reading import read_chain
from openers.store.audit.verify import verify
from openers.store.opening import migrate
from openers.store.postgres import Patience, PostgresStore, open_postgres
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.store.outside import execute, fetch
from tests.kit.store.records import KEY, add_referral, entry, found, referral
from tests.kit.store.stores import PostgresServer

pytestmark = pytest.mark.anyio
PATIENT = Patience(lock_s=HANGS_AFTER_S, connection_s=HANGS_AFTER_S)
SHORT_OF_LOCKS, SHORT_OF_CONNECTIONS = PATIENT._replace(lock_s=0.05), PATIENT._replace(connection_s=0.05)
"""For tests in which the lock or the connection is certain not to become free."""


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    """Create a migrated database."""
    made = postgres_server.create()
    asyncio.run(migrate(made))
    return made


@asynccontextmanager
async def opened(url: str, connections: int = 8, patience: Patience = PATIENT) -> AsyncGenerator[PostgresStore]:
    """Open a store on the database."""
    store = await open_postgres(url, KEY, connections, patience)
    try:
        yield store
    finally:
        await store.close()


async def hold(store: PostgresStore, key: str, inside: asyncio.Event, release: asyncio.Event) -> None:
    """Hold the lock of `key` until released."""
    async with store.begin(entry("holder"), (key,)) as tx:
        await tx.referrals.next_ubrn()
        inside.set()
        await release.wait()


async def test_a_record_that_somebody_works_on_is_locked_for_others(url: str) -> None:
    """A locked record is refused after the waiting time; other records are free, and so is this one afterwards."""
    async with opened(url) as one, opened(url, patience=SHORT_OF_LOCKS) as two:
        inside, release = asyncio.Event(), asyncio.Event()
        holder = asyncio.create_task(hold(one, "000000000001", inside, release))
        await inside.wait()
        try:
            with pytest.raises(RecordLocked):
                async with two.begin(entry("loser"), ("000000000001",)):
                    pass
            async with two.begin(entry("another record"), ("000000000002",)):
                pass
        finally:
            release.set()
            await holder
        async with two.begin(entry("afterwards"), ("000000000001",)):
            pass


async def test_of_two_acts_that_add_the_same_record_one_is_refused(url: str) -> None:
    """An import does not overwrite a record that another act has added since it looked; nothing of it is stored."""
    theirs = Organisation(OdsCode("ZZ1"), "Theirs", OrganisationKind.PROVIDER, Postcode("LS1 4AP"))
    mine, other = replace(theirs, name="Mine"), replace(theirs, ods=OdsCode("ZZ2"))

    async def _import(one: PostgresStore, two: PostgresStore) -> None:
        async with one.begin(entry("import")) as tx:
            assert await tx.registers.organisations.held(["ZZ1", "ZZ2"]) == []
            async with two.begin(entry("faster")) as faster:
                await faster.registers.organisations.add(theirs)
            await tx.registers.organisations.write([(None, other), (None, mine)])

    async with opened(url) as one, opened(url) as two:
        with pytest.raises(RecordLocked):
            await _import(one, two)
        async with one.read() as tx:
            stored = await tx.registers.organisations.several(["ZZ1", "ZZ2"])
        assert [each.value for each in stored] == [theirs]


async def test_a_record_that_an_import_holds_is_locked_for_others(url: str) -> None:
    """Nobody else changes it before the import ends; then the other change is refused, since the version has risen."""
    kind, place = OrganisationKind.PROVIDER, Postcode("LS1 4AP")
    first = Organisation(OdsCode("ZZ1"), "First", kind, place)
    async with opened(url) as one, opened(url, patience=SHORT_OF_LOCKS) as two:
        async with one.begin(entry("add")) as tx:
            old = await tx.registers.organisations.add(first)
        async with one.begin(entry("import")) as tx:
            [held] = await tx.registers.organisations.held(["ZZ1"])
            with pytest.raises(RecordLocked):
                async with two.begin(entry("other")) as other:
                    await other.registers.organisations.replace(old, replace(first, name="Other"))
            await tx.registers.organisations.write([(held, replace(first, name="Imported"))])
        with pytest.raises(VersionConflict):
            async with two.begin(entry("other")) as other:
                await other.registers.organisations.replace(old, replace(first, name="Other"))


async def test_one_waits_a_second_for_a_record(url: str) -> None:
    """By default an act waits a second for a locked record."""
    async with opened(url, patience=Patience()) as store:
        inside, release = asyncio.Event(), asyncio.Event()
        holder = asyncio.create_task(hold(store, "1", inside, release))
        await inside.wait()
        began = monotonic()
        with pytest.raises(RecordLocked):
            async with store.begin(entry("loser"), ("1",)):
                pass
        assert monotonic() - began > 0.9
        release.set()
        await holder


async def test_acts_that_lock_several_records_don_t_deadlock(url: str) -> None:
    """Acts that lock several records in sorted order, as `World.begin` does, all succeed."""
    async with opened(url, patience=PATIENT) as store:

        async def act(number: int) -> None:
            async with store.begin(entry(), tuple(sorted((f"{number % 3}", f"{(number + 1) % 3}")))) as tx:
                await tx.referrals.next_ubrn()

        await asyncio.gather(*(act(number) for number in range(30)))


async def test_a_deadlock_is_a_clash(url: str) -> None:
    """If two acts lock two records crosswise, the database ends one, which may be retried."""
    async with opened(url, patience=PATIENT) as store:
        first, second = asyncio.Event(), asyncio.Event()
        await add_referral(store, referral(1))
        await add_referral(store, referral(2))

        async def cross(mine: int, other: int, ready: asyncio.Event, wait_for: asyncio.Event) -> None:
            async with store.begin(entry()) as tx:
                await tx.due.add("a", f"{mine}", referral(1).created)
                ready.set()
                await wait_for.wait()
                await tx.due.add("a", f"{other}", referral(1).created)

        ended = await asyncio.gather(cross(1, 2, first, second), cross(2, 1, second, first), return_exceptions=True)
        assert [type(each) for each in ended if each is not None] == [RecordLocked]


async def test_a_pool_that_is_used_up_is_unavailable_and_recovers(url: str) -> None:
    """A caller who waits too long for a connection gets an error that allows a retry."""
    async with opened(url, connections=1, patience=SHORT_OF_CONNECTIONS) as store:
        inside, release = asyncio.Event(), asyncio.Event()
        holder = asyncio.create_task(hold(store, "1", inside, release))
        await inside.wait()
        for attempt in (store.check(), store.record_audit(entry()), found(store, Ubrn.of(1))):
            with pytest.raises(Unavailable):
                await attempt
        release.set()
        await holder
        await store.record_audit(entry("afterwards"))
        await store.check()


async def test_a_cancelled_act_gives_its_connection_back(url: str) -> None:
    """A cancelled act leaves no data, and its connection is free again."""
    async with opened(url, connections=1) as store:
        inside = asyncio.Event()
        cancelled = asyncio.create_task(hold(store, "1", inside, asyncio.Event()))
        await inside.wait()
        cancelled.cancel()
        await asyncio.wait([cancelled])
        await add_referral(store, referral(1))
        await store.upkeep()
    (only,) = await fetch(url, "SELECT entries FROM audit_blocks")
    assert b"holder" not in bytes(only[0])


async def test_witnesses_hear_of_every_failure(url: str) -> None:
    """If the database fails, every waiting audit entry fails, and later entries are written."""
    async with opened(url) as store:
        await execute(url, "ALTER TABLE audit_pending RENAME TO hidden")
        waiting = [store.record_audit(entry(f"{number}")) for number in range(5)]
        failed = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), HANGS_AFTER_S)
        assert {type(each) for each in failed} == {Unavailable}
        await execute(url, "ALTER TABLE hidden RENAME TO audit_pending")
        await store.record_audit(entry("afterwards"))
        await store.upkeep()
    assert verify(*await read_chain(url), KEY) == []


async def test_two_sealers_never_seal_the_same(url: str) -> None:
    """With several processes, each entry is sealed once, in one chain."""
    async with opened(url) as one, opened(url) as two:
        await asyncio.gather(*(store.record_audit(entry(f"e{n:03}")) for n in range(100) for store in (one, two)))
        await asyncio.gather(*(store.upkeep() for store in (one, two, one, two)))
        await one.upkeep()
        heads = [await one.heads(), await two.heads()]
    blocks, stored = await read_chain(url)
    blocks = list(blocks)
    assert verify(blocks, stored, KEY) == []
    text = b"".join(block.entries for block in blocks)
    assert [text.count(b'"e%03d"' % number) for number in range(100)] == [2] * 100
    assert max(block.entries.count(b"\n") for block in blocks) == SEALED_AT_ONCE
    assert heads[0] == heads[1] == [str(stored[0][0])]


async def test_sealing_is_left_to_the_process_that_is_at_it(url: str) -> None:
    """While one process seals, another one leaves its entries for the next round."""
    waiting = "SELECT count(*) FROM audit_pending"
    sealer = await asyncpg.connect(url)
    try:
        async with opened(url) as store:
            await store.record_audit(entry())
            await sealer.execute("SELECT pg_advisory_lock($1)", SEALING)
            await store.upkeep()
            assert await fetch(url, waiting) == [(1,)]
            await sealer.execute("SELECT pg_advisory_unlock($1)", SEALING)
            await store.upkeep()
            assert await fetch(url, waiting) == [(0,)]
    finally:
        await sealer.close()


async def test_a_round_of_sealing_seals_more_than_one_batch(url: str) -> None:
    async with opened(url) as store:
        add = "INSERT INTO audit_pending (entry) SELECT convert_to('{\"n\":' || n || '}', 'UTF8')"
        await execute(url, f"{add} FROM generate_series(1, {TAKEN_AT_ONCE + 5}) AS n")
        await store.upkeep()
        assert await fetch(url, "SELECT count(*) FROM audit_pending") == [(0,)]
    assert verify(*await read_chain(url), KEY) == []


async def test_listing_what_is_old_gives_way_to_who_writes_it_meanwhile(url: str) -> None:
    """Listing an old referral does not overwrite the list columns of a concurrent change."""
    blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    async with opened(url, patience=Patience(lock_s=20.0)) as store:
        await add_referral(store, referral(1))
        writer = await asyncpg.connect(url)
        try:
            await writer.execute("BEGIN; UPDATE referrals SET version = version + 1, rank = 99")
            listing = asyncio.create_task(list_old(store))
            async with asyncio.timeout(HANGS_AFTER_S):
                while await fetch(url, blocked) == [(0,)]:
                    pass
            await writer.execute("COMMIT")
            await listing
        finally:
            await writer.close()
        assert await fetch(url, "SELECT rank FROM referrals") == [(99,)]


async def list_old(store: PostgresStore) -> None:
    """List referrals that were stored before lists existed."""
    async with store.begin(entry("list")) as tx:
        await tx.worklists.list_old("", 10)


@pytest.fixture
def server() -> Generator[PostgresServer]:
    """Start a server that the test may stop."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        made = PostgresServer(Path(directory) / "server")
        yield made
        made.stop()


async def test_a_server_that_went_away_is_unavailable(server: PostgresServer) -> None:
    """An act in progress, later calls and the opening of a store fail as unavailable; nothing hangs."""
    url = await asyncio.to_thread(server.create)
    await migrate(url)
    store = await open_postgres(url, KEY, 4, PATIENT)

    async def interrupted() -> None:
        async with store.begin(entry()) as tx:
            await tx.referrals.add(referral(1))
            await asyncio.to_thread(server.stop)
            await tx.referrals.add(referral(2))

    attempts = (
        interrupted(),
        add_referral(store, referral(3)),
        store.record_audit(entry()),
        store.check(),
        store.upkeep(),
    )
    for attempt in attempts:
        with pytest.raises(Unavailable):
            await attempt
    with pytest.raises(Unavailable):
        await open_postgres(url, KEY)
    with pytest.raises(Unavailable):
        await migrate(url)
    await store.close()
