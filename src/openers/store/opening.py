"""Opening the store that a database URL names: migrate it, then hand out the adapter that speaks to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
from sqlalchemy.dialects import postgresql, sqlite

from openers.domain.errors import Unavailable
from openers.store.migrations import HEAD, migration_sql
from openers.store.postgres import PostgresStore, open_postgres
from openers.store.sqlite import SqliteStore, open_sqlite

SQLITE: Final = "sqlite"
_REVISION: Final = "SELECT version_num FROM alembic_version"


async def migrate(url: str) -> bool:
    """Bring the database at `url` to the present schema, in one transaction; whether there was anything to do.

    Raises Unavailable if it can't be reached.
    """
    path = sqlite_path(url)
    return await _migrate_postgres(url) if path is None else _migrate_sqlite(path)


async def open_store(
    url: str, audit_key: bytes, observe_group: Callable[[int], object] = int
) -> SqliteStore | PostgresStore:
    """The store in the migrated database at `url`. Raises Unavailable."""
    path = sqlite_path(url)
    if path is None:
        return await open_postgres(url, audit_key)
    return open_sqlite(path, audit_key, observe_group)


def sqlite_path(url: str) -> Path | None:
    """The file that a `sqlite:///` URL names (three slashes: relative), or `None` for another database."""
    parts = urlsplit(url)
    return Path(parts.path.removeprefix("/")) if parts.scheme == SQLITE else None


def _migrate_sqlite(path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        known = raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
        current = raw.execute(_REVISION).fetchone()[0] if known else None
        if current == HEAD:
            return False
        raw.executescript(f"BEGIN IMMEDIATE; {migration_sql(sqlite.dialect(), current)} COMMIT;")
    return True


async def _migrate_postgres(url: str) -> bool:
    try:
        raw = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError) as error:
        raise Unavailable("database") from error
    try:
        async with raw.transaction():
            await raw.execute("SELECT pg_advisory_xact_lock(815)")  # one process migrates, the others wait and see
            known = await raw.fetchval("SELECT to_regclass('alembic_version')")
            current = await raw.fetchval(_REVISION) if known else None
            if current == HEAD:
                return False
            await raw.execute(migration_sql(postgresql.dialect(), current))
            return True
    finally:
        await raw.close()
