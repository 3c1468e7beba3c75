"""Read-only connections to a database, beside the service that writes to it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openers.domain.errors import Unavailable

if TYPE_CHECKING:
    import asyncpg


@contextmanager
def reading_sqlite(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """Open a read-only connection. Raises Unavailable."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            yield raw
    except sqlite3.Error as error:
        raise Unavailable("database") from error


@asynccontextmanager
async def reading_postgres(url: str) -> AsyncGenerator[asyncpg.Connection[Any], None]:
    """Open a connection in a read-only transaction with a consistent snapshot. Raises Unavailable."""
    import asyncpg  # slow to import, and a service on SQLite does not need it

    from openers.store.engine.postgres_errors import DRIVER

    try:
        raw = await asyncpg.connect(url)
        try:
            async with raw.transaction(isolation="repeatable_read", readonly=True):
                yield raw
        finally:
            await raw.close()
    except DRIVER as error:
        raise Unavailable("database") from error
