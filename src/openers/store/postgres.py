"""A world in a PostgreSQL database, for many processes: each act is a transaction that includes its audit entry.

Entries wait unsealed in `audit_pending`. A sealer (in one process at a time) seals them into blocks each second.
Entries of reads and refusals are batched: one insert for all that arrived during the previous insert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import asyncpg
from sqlalchemy.dialects import postgresql

from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant
from openers.domain.errors import OutcomeUnknown, Unavailable
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.store.audit.postgres_sealing import TAKEN_AT_ONCE, WRITER, chain_heads, seal_some
from openers.store.audit.rows import line_of
from openers.store.engine.batches import Batches
from openers.store.engine.postgres_errors import DRIVER, failure_of, is_lost
from openers.store.engine.postgres_outcome import Trace, record, was_committed
from openers.store.engine.statements import Row, Statement, Value, encode
from openers.store.migrations import HEAD, REVISION, migration_sql
from openers.store.registers.exchanges import SqlExchanges
from openers.store.transaction import SqlTx
from openers.usecases.ports.transaction import Tx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncpg.pool import PoolConnectionProxy

ROUNDS_AT_ONCE: Final = 64
"""Rounds of sealing before other regular work runs."""
LOOK_AGAIN_S: Final = 0.05
"""Pause in seconds between two checks of an act whose COMMIT got no reply."""


Connect = Callable[[], Awaitable["asyncpg.Pool[asyncpg.Record]"]]
"""Opens a pool of connections. Raises Unavailable."""


class Patience(NamedTuple):
    """How long the store waits, in seconds.

    `lock_s`: for a record that another act holds. `connection_s`: for a free connection. `outcome_s`: for a database
    that failed during a COMMIT, to learn whether the act was committed.
    """

    lock_s: float = 1.0
    connection_s: float = 5.0
    outcome_s: float = 10.0


PATIENCE: Final = Patience()


class PostgresConnection:
    """The `Connection` over asyncpg; each statement is a round trip."""

    __slots__ = ("_writable", "raw")

    def __init__(self, raw: PoolConnectionProxy[Any], *, writable: bool = True) -> None:
        """Store `raw`, which is in a transaction if it is `writable`."""
        self.raw = raw
        self._writable = writable

    async def row(self, statement: Statement, values: Mapping[str, Value]) -> Row | None:
        """Return the first row, or `None`."""
        self._check(statement)
        found = await self.raw.fetchrow(statement.postgres, *_bound(statement, values))
        return None if found is None else tuple(found)

    async def rows(self, statement: Statement, values: Mapping[str, Value]) -> list[Row]:
        """Return all rows."""
        self._check(statement)
        return [tuple(row) for row in await self.raw.fetch(statement.postgres, *_bound(statement, values))]

    async def run(self, statement: Statement, values: Mapping[str, Value]) -> int:
        """Run a statement and return the number of changed rows."""
        self._check(statement)
        status = await self.raw.execute(statement.postgres, *_bound(statement, values))
        return int(status.rpartition(" ")[2])

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Value]]) -> None:
        """Run a statement once for each row of values, all of them in one round trip."""
        self._check(statement)
        await self.raw.executemany(statement.postgres, [_bound(statement, row) for row in rows])

    async def next_number(self, name: str) -> int:
        """Return the next number of a series; creations do not wait for each other."""
        return int(await self.raw.fetchval("SELECT nextval($1::text::regclass)", f"{name}_numbers"))

    async def set_number(self, name: str, value: int) -> None:
        """Continue a series after `value`; 0 restarts it."""
        await self.raw.execute("SELECT setval($1::text::regclass, greatest($2, 1), $2 > 0)", f"{name}_numbers", value)

    def _check(self, statement: Statement) -> None:
        if statement.writes and not self._writable:
            raise RuntimeError("only the body of an act may write")


class PostgresStore:
    """The `Store` port over a pool of connections. Created by `open_postgres`."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], audit_key: bytes, connect: Connect, patience: Patience, url: str
    ) -> None:
        """Store the parts; `audit_key` seals the audit and is kept elsewhere. `connect` opens another such pool.

        `url` is the address of the database.
        """
        self.url = url
        self._pool, self._connect = pool, connect
        self._patience = patience
        self._sealed = 0  # number of a block of the chain: later acts are sealed after it
        self._generation = 0
        self._key = audit_key
        self._batches = Batches(self._write)

    @property
    def generation(self) -> int:
        """Return how often the whole database was replaced. Otherwise only committed data is ever read."""
        return self._generation

    def begin(self, entry: AuditEntry, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction that locks all keys in order and ends with the audit entry."""
        return self._begin(entry, lock)

    @asynccontextmanager
    async def _begin(self, entry: AuditEntry, lock: Sequence[str]) -> AsyncGenerator[Tx, None]:
        sealed = self._sealed
        async with self._connection() as raw:
            await raw.execute("BEGIN")
            try:
                for key in lock:
                    await raw.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
                yield SqlTx(PostgresConnection(raw))
                trace = await record(raw, encode(entry), WRITER, sealed)
            except BaseException:
                await _roll_back(raw)
                raise
            failure = await _commit(raw)
        if failure is not None and not await self._was_committed(trace):
            raise failure

    async def _was_committed(self, trace: Trace) -> bool:
        """Find out whether an act without a COMMIT reply was committed. Raises OutcomeUnknown if it takes too long."""
        ends = monotonic() + self._patience.outcome_s
        while monotonic() < ends:
            with suppress(Exception):  # whatever fails here may succeed at the next attempt
                async with asyncio.timeout(ends - monotonic()), self._connection() as raw:
                    committed = await was_committed(raw, trace)
                if committed is not None:
                    return committed
            await asyncio.sleep(LOOK_AGAIN_S)
        raise OutcomeUnknown("database")

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """Return a transaction that reads the committed state at each statement."""
        return self._read()

    @asynccontextmanager
    async def _read(self) -> AsyncGenerator[Tx, None]:
        async with self._connection() as raw:
            yield SqlTx(PostgresConnection(raw, writable=False))

    async def record_audit(self, entry: AuditEntry) -> None:
        """Persist an audit entry, in one insert with the other waiting entries."""
        await self._batches.add(line_of(entry))

    async def _write(self, entries: Sequence[bytes]) -> None:
        """Write a batch. Raises Unavailable for each error."""
        try:
            async with self._connection() as raw:
                await raw.execute("INSERT INTO audit_pending (entry) SELECT unnest($1::bytea[])", list(entries))
        except Exception as error:
            raise Unavailable("database") from error

    async def log_exchanges(self, batch: ExchangeBatch, now: Instant, bounds: LogBounds) -> None:
        """Store logged exchanges in a transaction of their own."""
        async with self._connection() as raw, raw.transaction():
            await SqlExchanges(PostgresConnection(raw)).add(batch, now, bounds)

    async def upkeep(self) -> None:
        """Seal waiting entries unless another process does; after too many rounds, leave the rest for the next call."""
        for _ in range(ROUNDS_AT_ONCE):
            async with self._connection() as raw, raw.transaction():
                sealed, last = await seal_some(raw, self._key)
            self._sealed = last
            if sealed < TAKEN_AT_ONCE:
                return

    async def heads(self) -> Sequence[str]:
        """Return the heads of the audit chain from the database, since other processes may have sealed too."""
        async with self._connection() as raw:
            return [str(each) for each in await chain_heads(raw)]

    async def check(self) -> None:
        """Raise Unavailable if the database does not answer."""
        async with self._connection() as raw:
            await raw.execute("SELECT 1")

    @asynccontextmanager
    async def set_aside(self) -> AsyncGenerator[None, None]:
        """Release the database while it is copied or replaced as a whole; calls meanwhile raise Unavailable."""
        await self.upkeep()
        await self._pool.close()
        try:
            yield
        finally:
            self._pool = await self._connect()
            self._generation, self._sealed = self._generation + 1, 0

    async def close(self) -> None:
        """Close all connections."""
        await self._batches.finish()
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[PoolConnectionProxy[Any], None]:
        """Lend a connection of the pool; the database's own failures become domain errors.

        Returning it never fails, since its work is already done.
        """
        try:
            raw = await self._pool.acquire(timeout=self._patience.connection_s)
        except DRIVER as error:
            raise Unavailable("database") from error
        try:
            yield raw
        except Exception as error:
            failure = failure_of(error, lost=is_lost(raw))
            if failure is None:
                raise
            raise failure from error
        finally:
            with suppress(*DRIVER):
                await self._pool.release(raw)


async def _commit(raw: PoolConnectionProxy[Any]) -> Exception | None:
    """Commit; return the error, if any. The commit may have succeeded and only its reply be lost."""
    try:
        await raw.execute("COMMIT")
    except Exception as error:
        return failure_of(error, lost=is_lost(raw)) or error
    return None


async def _roll_back(raw: PoolConnectionProxy[Any]) -> None:
    """Roll back the act. If that fails, end the connection, which rolls back too."""
    try:
        await raw.execute("ROLLBACK")
    except Exception:
        if not is_lost(raw):
            raw.terminate()


async def open_postgres(
    url: str, audit_key: bytes, connections: int = 8, patience: Patience = PATIENCE
) -> PostgresStore:
    """Return the store in the migrated database at `url`. Raises Unavailable if it cannot be reached."""

    async def _connect() -> asyncpg.Pool[asyncpg.Record]:
        return await _pool(url, connections, patience)

    return PostgresStore(await _connect(), audit_key, _connect, patience, url)


async def _as_it_is(_: object) -> None:
    """Return a connection without a reset statement: no setting of an act outlives its transaction."""


async def _pool(url: str, connections: int, patience: Patience) -> asyncpg.Pool[asyncpg.Record]:
    """Open a pool of connections. Raises Unavailable."""
    lock_timeout = f"{patience.lock_s * 1000:.0f}ms"
    settings = {"lock_timeout": lock_timeout, "synchronous_commit": "on", "timezone": "UTC"}
    try:
        return await asyncpg.create_pool(
            url, min_size=1, max_size=connections, server_settings=settings, reset=_as_it_is
        )
    except DRIVER as error:
        raise Unavailable("database") from error


async def holds_tables_in_postgres(url: str) -> bool:
    """Return whether the database at `url` was ever migrated. Raises Unavailable."""
    try:
        raw = await asyncpg.connect(url)
    except DRIVER as error:
        raise Unavailable("database") from error
    try:
        return await raw.fetchval("SELECT to_regclass('alembic_version')") is not None
    finally:
        await raw.close()


async def migrate_postgres(url: str) -> bool:
    """Migrate the database at `url` to the present schema; return whether anything changed. Raises Unavailable."""
    try:
        raw = await asyncpg.connect(url)
    except DRIVER as error:
        raise Unavailable("database") from error
    try:
        async with raw.transaction():
            await raw.execute("SELECT pg_advisory_xact_lock(815)")  # one process migrates, the others wait
            known = await raw.fetchval("SELECT to_regclass('alembic_version')")
            current = await raw.fetchval(REVISION) if known else None
            if current == HEAD:
                return False
            await raw.execute(migration_sql(postgresql.dialect(), current))
            return True
    finally:
        await raw.close()


def _bound(statement: Statement, values: Mapping[str, Value]) -> list[Value]:
    constants = statement.constants
    return [values[name] if name in values else constants[name] for name in statement.postgres_names]
