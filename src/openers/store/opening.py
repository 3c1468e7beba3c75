"""Open the store of a database URL: migrate it, then return the adapter for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy.dialects import sqlite

from openers.domain.errors import Unavailable
from openers.store.engine.sqlite_connection import sqlite_path
from openers.store.migrations import HEAD, REVISION, migration_sql
from openers.store.sqlite import open_sqlite
from openers.usecases.ports.transaction import Store


async def migrate(url: str) -> bool:
    """Migrate the database at `url` to the present schema in one transaction; return whether anything changed.

    Raises Unavailable if it cannot be reached.
    """
    path = sqlite_path(url)
    if path is not None:
        return migrate_sqlite(path)
    from openers.store.postgres import migrate_postgres  # its driver is slow to import

    return await migrate_postgres(url)


async def open_store(url: str, audit_key: bytes, observe_group: Callable[[int], object] = int) -> Store:
    """Return the store in the migrated database at `url`. Raises Unavailable."""
    path = sqlite_path(url)
    if path is not None:
        return open_sqlite(path, audit_key, observe_group)
    from openers.store.postgres import open_postgres  # as above

    return await open_postgres(url, audit_key)


async def holds_tables(url: str) -> bool:
    """Return whether the database at `url` was ever migrated. Raises Unavailable if it cannot be reached."""
    path = sqlite_path(url)
    if path is not None:
        return path.exists()
    from openers.store.postgres import holds_tables_in_postgres  # as above

    return await holds_tables_in_postgres(url)


def migrate_sqlite(path: Path, to: str = HEAD) -> bool:
    """Migrate a SQLite file to a revision; return whether anything changed. Raises Unavailable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")  # one process migrates; the others wait and find it done
            known = raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            current = raw.execute(REVISION).fetchone()[0] if known else None
            if current == to:
                return False
            for statement in _single(migration_sql(sqlite.dialect(), current, to)):
                raw.execute(statement)
            raw.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(f"database {path}") from error
    return True


def _single(statements: str) -> Iterator[str]:
    """Yield single statements: sqlite3 would end the transaction before it runs several."""
    statement = ""
    for line in statements.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
