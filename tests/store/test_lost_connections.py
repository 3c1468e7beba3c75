"""A connection that is lost at any message: what is acknowledged is stored, what is refused is not."""

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
    """A store behind a proxy that loses connections, and the URL of its database without the proxy."""

    def __init__(self, store: PostgresStore, proxy: LossyProxy, url: str) -> None:
        self.store, self.proxy, self.url = store, proxy, url

    async def add(self, number: int) -> None:
        """An act with locks and two statements."""
        async with self.store.begin(entry(f"act {number}"), ("1", "2")) as tx:
            await tx.referrals.add(referral(number))

    async def at_each_message(self, loss: Loss, act: Act) -> list[OpenersError | None]:
        """Run `act`, with its number, once for each of its messages, and lose the connection there; how it ended."""
        ended: list[OpenersError | None] = []
        for message in count(1):
            await self.store.witness(entry("between"))  # has a connection
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
        """Whether another connection finds the referral of an act, and its entry."""
        referrals = await fetch(self.url, "SELECT count(*) FROM referrals WHERE ubrn = ?", str(Ubrn.of(number)))
        about = f'%"audit_type":"act {number}"%'
        sql = "SELECT count(*) FROM audit_pending WHERE convert_from(entry, 'UTF8') LIKE ?"
        entries = await fetch(self.url, sql, about)
        assert referrals == entries, "a referral and its entry are there together"
        return referrals == [(1,)]


@pytest.fixture
def url(postgres_server: PostgresServer) -> str:
    """A migrated database."""
    made = postgres_server.create()
    asyncio.run(migrate(made))
    return made


@asynccontextmanager
async def opened(url: str, patience: Patience) -> AsyncGenerator[Behind]:
    """A store that has one connection."""
    with TemporaryDirectory() as directory:  # short, as the name of a socket has to be
        async with lossy(url, Path(directory)) as (proxy, by_way):
            store = await open_postgres(by_way, KEY, 1, patience)
            yield Behind(store, proxy, url)
            proxy.lose(0, Loss.BEFORE)
            await store.close()


@pytest.fixture
async def behind(url: str) -> AsyncGenerator[Behind]:
    """A store that waits long enough for any database that comes back."""
    async with opened(url, Patience(outcome_s=30.0)) as made:
        yield made


@EACH_LOSS
async def test_an_act_is_acknowledged_exactly_if_it_is_stored(behind: Behind, loss: Loss) -> None:
    """Wherever the connection is lost, COMMIT included: then the store looks the act up."""
    ended = await behind.at_each_message(loss, behind.add)
    assert [each is None for each in ended] == [await behind.holds(number + 1) for number in range(len(ended))]
    assert {type(each) for each in ended if each is not None} == {Unavailable}
    assert len(ended) > 6
    if loss is not Loss.DURING:
        assert (ended[-2] is None) is (loss is Loss.AFTER), "COMMIT, carried out or not: its answer was lost"


@EACH_LOSS
async def test_an_act_is_unknown_while_the_database_stays_away(url: str, loss: Loss) -> None:
    """Only where COMMIT was sent, or nearly; what was lost before is refused, and not stored."""
    async with opened(url, Patience(outcome_s=0.1)) as behind:
        behind.proxy.stays_away = True
        ended = await behind.at_each_message(loss, behind.add)
        *refused, unknown, acknowledged = ended
        assert {type(each) for each in refused} == {Unavailable}
        assert isinstance(unknown, OutcomeUnknown)
        assert acknowledged is None
        assert [await behind.holds(number) for number in range(1, len(refused) + 1)] == [False] * len(refused)


async def test_a_caller_that_gives_up_during_commit_leaves_a_store_that_works(behind: Behind) -> None:
    """It hears nothing, the act is stored whole or not at all, and the one connection is free again."""
    for number in range(1, 20):
        act = asyncio.create_task(behind.add(number))
        for _ in range(number):
            await asyncio.sleep(0)
        act.cancel()
        await asyncio.wait([act])
        await behind.holds(number)
        await add_referral(behind.store, referral(100 + number))


async def test_an_entry_tells_whether_its_act_was_committed(behind: Behind) -> None:
    """While it waits, when it is sealed, when it was undone; a transaction's number alone is no proof."""
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
    """A read or refusal whose entry may not have been written is told so by an error of the domain."""

    async def note(number: int) -> None:
        await behind.store.witness(entry(f"act {number}"))

    ended = await behind.at_each_message(loss, note)
    waiting = b"".join(bytes(row[0]) for row in await fetch(behind.url, "SELECT entry FROM audit_pending"))
    for number, failure in enumerate(ended, 1):
        assert failure is not None or f'"act {number}"'.encode() in waiting


@EACH_LOSS
async def test_a_read_fails_or_is_right(behind: Behind, loss: Loss) -> None:
    """A lost connection is never taken for an absent record."""
    await add_referral(behind.store, referral(1))

    async def read(_: int) -> None:
        assert await found(behind.store, Ubrn.of(1)) is not None

    ended = await behind.at_each_message(loss, read)
    assert {type(each) for each in ended} == {Unavailable, type(None)}


@EACH_LOSS
async def test_sealing_that_is_cut_short_loses_and_doubles_nothing(behind: Behind, loss: Loss) -> None:
    """The next round seals what is left, in one chain."""

    async def seal(_: int) -> None:
        await behind.store.upkeep()

    ended = await behind.at_each_message(loss, seal)
    await behind.store.upkeep()
    blocks, heads = await read_chain(behind.url)
    blocks = list(blocks)
    assert verify(blocks, heads, KEY) == []
    assert b"".join(each.entries for each in blocks).count(b"\n") == len(ended)
