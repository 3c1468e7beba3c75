"""A small database of an application, on SQLite or PostgreSQL: one function, one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import Connection, Engine, MetaData, create_engine, event

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Result = TypeVar("Result")
BUSY_S: Final = 10
"""Longest wait for another process that writes to the same SQLite file."""


class Database:
    """Runs functions in transactions: on SQLite in one thread of its own, on PostgreSQL by its asynchronous driver."""

    def __init__(self, url: str, tables: MetaData) -> None:
        """Connect lazily to `sqlite:///file` or `postgresql://…`. Raises ValueError for another kind of database."""
        self._tables = tables
        scheme = url.partition(":")[0].partition("+")[0]
        self._on_postgresql: AsyncEngine | None = None
        self._on_sqlite: Engine | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="web-store")
        match scheme:
            case "sqlite":
                self._on_sqlite = _sqlite(url)
            case "postgresql" | "postgres":
                self._on_postgresql = _postgresql(f"postgresql:{url.partition(':')[2]}")
            case _:
                raise ValueError(f"the store must be sqlite:///… or postgresql://…, and {scheme!r} is neither")

    async def create(self) -> None:
        """Create the tables that do not exist yet."""
        await self.run(self._tables.create_all)

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Return the result of `work` in one transaction. Raises what `work` raises, and nothing is stored then."""
        if self._on_postgresql is not None:
            async with self._on_postgresql.begin() as connection:
                return await connection.run_sync(work)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def close(self) -> None:
        """Close the connections."""
        if self._on_postgresql is not None:
            await self._on_postgresql.dispose()
        if self._on_sqlite is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._on_sqlite.dispose)
        self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        assert self._on_sqlite is not None  # noqa: S101 - the other kind never comes here
        with self._on_sqlite.begin() as connection:
            return work(connection)


def _postgresql(url: str) -> AsyncEngine:
    import asyncpg  # a package of the extra `postgres`
    from sqlalchemy.ext.asyncio import create_async_engine

    async def _connect(**_: object) -> Any:
        return await asyncpg.connect(url)  # the driver reads the address: SQLAlchemy refuses one with several hosts

    return create_async_engine("postgresql+asyncpg://", async_creator=_connect, pool_pre_ping=True)


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_S, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction] -- SQLAlchemy calls it
        connection.isolation_level = None  # the driver begins no transaction of its own
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction] -- SQLAlchemy calls it
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # a transaction that reads and then writes never fails half-way

    return engine
