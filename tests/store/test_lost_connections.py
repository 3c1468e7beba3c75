"""A connection lost at any message: acknowledged data is stored, refused data is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from openers.domain.errors import OpenersError, OutcomeUnknown, Unavailable
from openers.domain.identifiers import Ubrn
from openers.store.audit.postgres_sealing import WRITER
from openers.store.audit.reading import read_chain
from openers.store.audit.verify import verify
from openers.store.engine.postgres_outcome import Trace, record, was_committed
from openers.store.opening import migrate
from openers.store.postgres import Patience, PostgresStore, open_postgres
from tests.kit.store.outside import fetch
from tests.kit.store.records import KEY, add_referral, entry, found, referral
from tests.kit.store.stores import PostgresServer
from tests.store.lossy import Loss, LossyProxy, lossy

pytestmark = pytest.mark.anyio
EACH_LOSS = pytest.mark.parametrize("loss", Loss)
Act = Callable[[int], Awaitable[object]]


class Behind:
    """A store that connects through a lossy proxy, and the direct URL of its database."""

    def __init__(self, store: PostgresStore, proxy: LossyProxy, url: str) -> None:
        self.store, self.proxy, self.url = store, proxy, url

    async def add(self, number: int) -> None:
        """Run an act with locks and two statements."""
        async with self.store.begin(entry(f"act {number}"), ("1", "2")) as tx:
            await tx.referrals.add(referral(number))

    async def at_each_message(self, loss: Loss, act: Act) -> list[OpenersError | None]:
        """Run `act` once for each of its messages, drop the connection there, and return the outcomes."""
        ended: list[OpenersError | None] = []
        for message in count(1):
            await self.store.witness(entry("between"))  # ensures a connection
            self.proxy.lose(message, loss)
            try:
                await act(message)
                ended.append(None)
            except OpenersError as error:
                ended.append(error)
            lost = self.proxy.lost
            self.proxy.lose(0, loss)
            if not lost:
                assert ended[-1] is None
                return ended
        raise AssertionError

    async def holds(self, number: int) -> bool:
        """Return whether another connection finds the referral of an act and its entry."""
        referrals = await fetch(self.url, "SELECT count(*) FROM referrals WHERE ubrn = ?", str(Ubrn.of(number)))
        about = f'%"audit_type":"act {number}"%'
        sql = "SELECT count(*) FROM audit_pending WHERE convert_from(entry, 'UTF8') LIKE ?"
        entries = await fetch(self.url, sql, about)
        assert referrals == entries, "a referral and its entry are there together"
        return referrals == [(1,)]


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    """Create a migrated database."""
    made = postgres_server.create()
    asyncio.run(migrate(made))
    return made


@asynccontextmanager
async def opened(url: str, patience: Patience) -> AsyncGenerator[Behind]:
    """Open a store that has one connection."""
    with TemporaryDirectory() as directory:  # short, because the path of a socket must be
        async with lossy(url, Path(directory)) as (proxy, by_way):
            store = await open_postgres(by_way, KEY, 1, patience)
            yield Behind(store, proxy, url)
            proxy.lose(0, Loss.BEFORE)
            await store.close()


@pytest.fixture
async def behind(url: str) -> AsyncGenerator[Behind]:
    """Open a store that waits long enough for any database to return."""
    async with opened(url, Patience(outcome_s=30.0)) as made:
        yield made


@EACH_LOSS
async def test_an_act_is_acknowledged_exactly_if_it_is_stored(behind: Behind, loss: Loss) -> None:
    """An act is acknowledged exactly if it is stored; after a loss at COMMIT, the store looks it up."""
    ended = await behind.at_each_message(loss, behind.add)
    assert [each is None for each in ended] == [await behind.holds(number + 1) for number in range(len(ended))]
    assert {type(each) for each in ended if each is not None} == {Unavailable}
    assert len(ended) > 6
    if loss is not Loss.DURING:
        assert (ended[-2] is None) is (loss is Loss.AFTER), "COMMIT, carried out or not: its answer was lost"


@EACH_LOSS
async def test_an_act_is_unknown_while_the_database_stays_away(url: str, loss: Loss) -> None:
    """The outcome is unknown only after a loss at COMMIT; an act lost earlier is refused and not stored."""
    async with opened(url, Patience(outcome_s=0.1)) as behind:
        behind.proxy.stays_away = True
        ended = await behind.at_each_message(loss, behind.add)
        *refused, unknown, acknowledged = ended
        assert {type(each) for each in refused} == {Unavailable}
        assert isinstance(unknown, OutcomeUnknown)
        assert acknowledged is None
        assert [await behind.holds(number) for number in range(1, len(refused) + 1)] == [False] * len(refused)


async def test_a_caller_that_gives_up_during_commit_leaves_a_store_that_works(behind: Behind) -> None:
    """An act cancelled during COMMIT is stored completely or not at all, and frees its connection."""
    for number in range(1, 20):
        act = asyncio.create_task(behind.add(number))
        for _ in range(number):
            await asyncio.sleep(0)
        act.cancel()
        await asyncio.wait([act])
        await behind.holds(number)
        await add_referral(behind.store, referral(100 + number))


async def test_an_entry_tells_whether_its_act_was_committed(behind: Behind) -> None:
    """An entry shows whether its act was committed: while pending, when sealed and after a rollback.

    The transaction number by itself proves nothing.
    """
    pool = await asyncpg.create_pool(behind.url, min_size=2, max_size=2)
    async with pool, pool.acquire() as one, pool.acquire() as other:

        async def leave(about: str, end: str) -> Trace:
            await one.execute("BEGIN")
            trace = await record(one, about.encode(), WRITER, 0)
            assert await was_committed(other, trace) is None
            await one.execute(end)
            return trace

        kept, undone = await leave('{"n":1}', "COMMIT"), await leave('{"n":2}', "ROLLBACK")
        assert [await was_committed(other, each) for each in (kept, undone)] == [True, False]
        await behind.store.upkeep()
        sealed = await fetch(behind.url, "SELECT count(*) FROM audit_pending")
        assert (sealed, await was_committed(other, kept)) == ([(0,)], True)
        assert not await was_committed(other, kept._replace(sealed=1)), "what was sealed before is not searched"
        assert not await was_committed(other, undone._replace(transaction=kept.transaction))
        assert not await was_committed(other, kept._replace(transaction=str(2**40))), "a crashed server forgot it"


@EACH_LOSS
async def test_an_audit_entry_is_acknowledged_only_if_it_is_stored(behind: Behind, loss: Loss) -> None:
    """A read or refusal is acknowledged only if its entry is stored; otherwise it fails with a domain error."""

    async def note(number: int) -> None:
        await behind.store.witness(entry(f"act {number}"))

    ended = await behind.at_each_message(loss, note)
    waiting = b"".join(bytes(row[0]) for row in await fetch(behind.url, "SELECT entry FROM audit_pending"))
    for number, failure in enumerate(ended, 1):
        assert failure is not None or f'"act {number}"'.encode() in waiting


@EACH_LOSS
async def test_a_read_fails_or_is_right(behind: Behind, loss: Loss) -> None:
    """A lost connection never looks like an absent record."""
    await add_referral(behind.store, referral(1))

    async def read(_: int) -> None:
        assert await found(behind.store, Ubrn.of(1)) is not None

    ended = await behind.at_each_message(loss, read)
    assert {type(each) for each in ended} == {Unavailable, type(None)}


@EACH_LOSS
async def test_sealing_that_is_cut_short_loses_and_doubles_nothing(behind: Behind, loss: Loss) -> None:
    """The next round seals the remaining entries, in one chain."""

    async def seal(_: int) -> None:
        await behind.store.upkeep()

    ended = await behind.at_each_message(loss, seal)
    await behind.store.upkeep()
    blocks, heads = await read_chain(behind.url)
    blocks = list(blocks)
    assert verify(blocks, heads, KEY) == []
    assert b"".join(each.entries for each in blocks).count(b"\n") == len(ended)
