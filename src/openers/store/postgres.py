"""A world in a PostgreSQL database, for many processes: an act is a transaction, its audit entry a row in it.

Entries wait unsealed in `audit_pending`; a sealer (any one process at a time) makes blocks of them each second.
Entries of reads and refusals are written together: one insert for all that came while the last one was under way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import asyncpg
from sqlalchemy.dialects import postgresql

from openers.domain.audit import AuditEntry
from openers.domain.errors import RecordLocked, Unavailable
from openers.store.audit_chain import Sealer
from openers.store.audit_rows import (
    ADD_BLOCK,
    ADD_PENDING,
    DROP_PENDING,
    HEADS,
    PENDING,
    PENDING_AT_ONCE,
    PUT_HEAD,
    block_row,
    head_of,
    head_row,
)
from openers.store.batches import Batches
from openers.store.migrations import HEAD, REVISION, migration_sql
from openers.store.statements import Row, Statement, Value, encode
from openers.store.transaction import SqlTx
from openers.usecases.ports import Tx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncpg.pool import PoolConnectionProxy

WRITER: Final = "postgresql"
"""Name of the one audit chain."""
FAILED: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What asyncpg raises where a database can't be reached or refuses the connection."""
_BUSY: Final = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_BROKEN: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Failures of the database, not of a statement: gone, stopping, full, out of connections, a standby, time out."""
SEALING: Final = 0x0E55EA1
"""Advisory lock of the sealer, so that two processes never seal at once."""
SEALED_AT_ONCE: Final = 64
"""Entries in one audit block."""


Connect = Callable[[], Awaitable["asyncpg.Pool[asyncpg.Record]"]]
"""Opens a pool of connections. Raises Unavailable."""


class Patience(NamedTuple):
    """How long is waited, in seconds: for a record that another act works on, and for a free connection."""

    lock_s: float = 1.0
    connection_s: float = 5.0


PATIENCE: Final = Patience()


class PostgresConnection:
    """The `Connection` over asyncpg; each statement is a round trip."""

    __slots__ = ("_writable", "raw")

    def __init__(self, raw: PoolConnectionProxy[Any], *, writable: bool = True) -> None:
        """`raw` is in a transaction if it is `writable`."""
        self.raw = raw
        self._writable = writable

    async def row(self, statement: Statement, values: Mapping[str, Value]) -> Row | None:
        """The first row, or `None`."""
        self._check(statement)
        found = await self.raw.fetchrow(statement.postgres, *_bound(statement, values))
        return None if found is None else tuple(found)

    async def rows(self, statement: Statement, values: Mapping[str, Value]) -> list[Row]:
        """All rows."""
        self._check(statement)
        return [tuple(row) for row in await self.raw.fetch(statement.postgres, *_bound(statement, values))]

    async def run(self, statement: Statement, values: Mapping[str, Value]) -> int:
        """How many rows were changed."""
        self._check(statement)
        status = await self.raw.execute(statement.postgres, *_bound(statement, values))
        return int(status.rpartition(" ")[2])

    async def next_number(self, name: str) -> int:
        """The next number of a series; creations don't wait for each other."""
        return int(await self.raw.fetchval("SELECT nextval($1::text::regclass)", f"{name}_numbers"))

    async def set_number(self, name: str, value: int) -> None:
        """Have a series go on after `value`; 0 begins anew."""
        await self.raw.execute("SELECT setval($1::text::regclass, greatest($2, 1), $2 > 0)", f"{name}_numbers", value)

    def _check(self, statement: Statement) -> None:
        if statement.writes and not self._writable:
            raise RuntimeError("only the body of an act writes")


class PostgresStore:
    """The `Store` port over a pool of connections. Made by `open_postgres`."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], audit_key: bytes, connect: Connect, connection_s: float
    ) -> None:
        """`audit_key` seals the audit and lives outside the store; `connection_s` bounds the wait for the pool.

        `connect` makes another pool like this one.
        """
        self._pool, self._connect = pool, connect
        self._connection_s = connection_s
        self._generation = 0
        self._key = audit_key
        self._batches = Batches(self._write)

    @property
    def generation(self) -> int:
        """Counts how often the whole database was replaced; else only what is committed is ever read."""
        return self._generation

    def begin(self, entry: AuditEntry, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """A transaction that holds the locks of all keys, taken in order, and ends with the audit entry."""
        return self._begin(entry, lock)

    @asynccontextmanager
    async def _begin(self, entry: AuditEntry, lock: Sequence[str]) -> AsyncGenerator[Tx, None]:
        async with self._connection() as raw, raw.transaction():
            connection = PostgresConnection(raw)
            for key in lock:
                await raw.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
            yield SqlTx(connection)
            await connection.run(ADD_PENDING, {"entry": encode(entry)})

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """The committed state as each statement finds it."""
        return self._read()

    @asynccontextmanager
    async def _read(self) -> AsyncGenerator[Tx, None]:
        async with self._connection() as raw:
            yield SqlTx(PostgresConnection(raw, writable=False))

    async def witness(self, entry: AuditEntry) -> None:
        """Make an audit entry durable, in one insert with those that wait beside it."""
        await self._batches.add(encode(entry))

    async def _write(self, entries: Sequence[bytes]) -> None:
        async with self._connection() as raw:
            await raw.execute("INSERT INTO audit_pending (entry) SELECT unnest($1::bytea[])", list(entries))

    async def upkeep(self) -> None:
        """Seal what waits; what comes meanwhile waits for the next time."""
        while await self.seal() == PENDING_AT_ONCE:
            pass

    async def heads(self) -> Sequence[str]:
        """Where the audit chain ends; other processes may have sealed too."""
        async with self._connection() as raw:
            return [str(head_of(row)[0]) for row in await PostgresConnection(raw).rows(HEADS, {})]

    async def seal(self) -> int:
        """Seal what waits in blocks, unless another process is at it; how many entries were sealed."""
        async with self._connection() as raw, raw.transaction():
            connection = PostgresConnection(raw)
            if not await raw.fetchval("SELECT pg_try_advisory_xact_lock($1)", SEALING):
                return 0
            rows = await connection.rows(PENDING, {})
            if not rows:
                return 0
            sealer = await self._sealer(connection)
            for start in range(0, len(rows), SEALED_AT_ONCE):
                block = sealer.seal([entry for _, entry in rows[start : start + SEALED_AT_ONCE]])
                await connection.run(ADD_BLOCK, block_row(block))
                await connection.run(PUT_HEAD, head_row(block, self._key))
                sealer.advance(block)
            await raw.executemany(DROP_PENDING.postgres, [(number,) for number, _ in rows])
            return len(rows)

    async def _sealer(self, connection: PostgresConnection) -> Sealer:
        for row in await connection.rows(HEADS, {}):
            head, _ = head_of(row)
            if head.writer == WRITER:
                return Sealer(self._key, *head)
        return Sealer(self._key, WRITER)

    async def check(self) -> None:
        """Raise Unavailable if the database does not answer."""
        async with self._connection() as raw:
            await raw.execute("SELECT 1")

    @asynccontextmanager
    async def set_aside(self) -> AsyncGenerator[None, None]:
        """Let go of the database while it is copied or replaced as a whole; meanwhile calls raise Unavailable."""
        await self.upkeep()
        await self._pool.close()
        try:
            yield
        finally:
            self._pool = await self._connect()
            self._generation += 1

    async def close(self) -> None:
        """Let go of all connections."""
        await self._batches.finish()
        await self._pool.close()

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[PoolConnectionProxy[Any], None]:
        """A connection of the pool; the database's own failures become errors of the domain."""
        try:
            async with self._pool.acquire(timeout=self._connection_s) as raw:
                yield raw
        except _BUSY as error:
            raise RecordLocked from error
        except _BROKEN as error:
            raise Unavailable("database") from error


async def open_postgres(
    url: str, audit_key: bytes, connections: int = 8, patience: Patience = PATIENCE
) -> PostgresStore:
    """The store in the migrated database at `url`. Raises Unavailable if it can't be reached."""

    async def _connect() -> asyncpg.Pool[asyncpg.Record]:
        return await _pool(url, connections, patience)

    return PostgresStore(await _connect(), audit_key, _connect, patience.connection_s)


async def _pool(url: str, connections: int, patience: Patience) -> asyncpg.Pool[asyncpg.Record]:
    """Raises Unavailable."""
    lock_timeout = f"{patience.lock_s * 1000:.0f}ms"
    settings = {"lock_timeout": lock_timeout, "synchronous_commit": "on", "timezone": "UTC"}
    try:
        return await asyncpg.create_pool(url, min_size=1, max_size=connections, server_settings=settings)
    except FAILED as error:
        raise Unavailable("database") from error


async def holds_tables_in_postgres(url: str) -> bool:
    """Whether the database at `url` was ever migrated. Raises Unavailable."""
    try:
        raw = await asyncpg.connect(url)
    except FAILED as error:
        raise Unavailable("database") from error
    try:
        return await raw.fetchval("SELECT to_regclass('alembic_version')") is not None
    finally:
        await raw.close()


async def migrate_postgres(url: str) -> bool:
    """Bring the database at `url` to the present schema; whether there was anything to do. Raises Unavailable."""
    try:
        raw = await asyncpg.connect(url)
    except FAILED as error:
        raise Unavailable("database") from error
    try:
        async with raw.transaction():
            await raw.execute("SELECT pg_advisory_xact_lock(815)")  # one process migrates, the others wait and see
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
