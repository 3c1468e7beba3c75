"""Read all records of a database, and write them into a new SQLite file, to move a world to another place.

The audit stays where it was sealed; log-ins and logged exchanges stay with the service that made them. Test mode calls
it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Table, select

from openers.domain.errors import Unavailable
from openers.store.engine.reading import reading_postgres, reading_sqlite
from openers.store.engine.sqlite_connection import sqlite_path
from openers.store.engine.statements import Row, Statement
from openers.store.engine.tables import counters, files, metadata
from openers.store.migrations import HEAD, REVISION
from openers.store.opening import migrate_sqlite

_STAYING: Final = frozenset(
    {
        *("audit_blocks", "audit_heads", "audit_patients", "audit_pending"),
        *("credentials", "exchange_batches", "exchange_log"),
    }
)
"""Tables whose rows stay in their database."""
TABLES: Final = tuple(table for table in metadata.sorted_tables if table.name not in _STAYING)
AT_ONCE: Final = 512
"""Rows that are read at a time."""
_BLOB_KEYS: Final = Statement(select(files.c.blob).distinct())
_SELECT: Final = {table.name: Statement(select(table)) for table in TABLES}


class Rows(NamedTuple):
    """Rows of one table, with the names of their columns."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[Row]


async def read_contents(url: str) -> AsyncGenerator[Rows]:
    """Yield all rows of the database at `url` in one consistent state, table by table.

    Raises Unavailable, ValueError (another schema).
    """
    path = sqlite_path(url)
    async for rows in _of_postgres(url) if path is None else _of_sqlite(path):
        yield rows


async def blob_keys(url: str) -> set[str]:
    """Return the keys of the contents that files of the database at `url` have. Raises Unavailable."""
    path = sqlite_path(url)
    if path is None:
        async with reading_postgres(url) as raw:
            return {row[0] for row in await raw.fetch(_BLOB_KEYS.postgres)}
    with reading_sqlite(path) as raw:
        return {row[0] for row in raw.execute(_BLOB_KEYS.sqlite)}


async def _of_sqlite(path: Path) -> AsyncGenerator[Rows]:
    with reading_sqlite(path) as raw:
        raw.execute("BEGIN")
        _check_revision(raw.execute(REVISION).fetchone()[0])
        for table in TABLES:
            found = raw.execute(_SELECT[table.name].sqlite)
            while rows := found.fetchmany(AT_ONCE):
                yield _rows(table, rows)


async def _of_postgres(url: str) -> AsyncGenerator[Rows]:
    async with reading_postgres(url) as raw:
        _check_revision(await raw.fetchval(REVISION))
        for table in TABLES:
            batch: list[Row] = []
            async for row in raw.cursor(_SELECT[table.name].postgres, prefetch=AT_ONCE):
                batch.append(tuple(row))
                if len(batch) == AT_ONCE:
                    yield _rows(table, batch)
                    batch = []
            if table is counters:
                numbers = {str(name): await raw.fetchval(_LAST_NUMBER, f"{name}_numbers") for name, _ in batch}
                batch = [(name, value if numbers[name] is None else numbers[name]) for name, value in batch]
            if batch:
                yield _rows(table, batch)


_LAST_NUMBER: Final = "SELECT coalesce(last_value, 0) FROM pg_sequences WHERE sequencename = $1"
"""Selects the last number of a series, which is a sequence in PostgreSQL; nothing for other counters."""


def _check_revision(revision: str) -> None:
    """Raise ValueError unless the database has the present schema."""
    if revision != HEAD:
        raise ValueError(f"the database has the schema {revision}, not {HEAD}: run `openers db migrate` first")


def _rows(table: Table, rows: Sequence[Row]) -> Rows:
    return Rows(table.name, tuple(str(column.name) for column in table.columns), rows)


def write_contents(path: Path, revision: str, contents: Iterable[Rows]) -> int:
    """Create a SQLite file at `path` with these rows, which have the schema `revision`; return their number.

    The file then has the present schema. Raises Unavailable, ValueError (a row does not fit its table).
    """
    migrate_sqlite(path, revision)
    count = 0
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            for table, columns, rows in contents:
                _check(raw, table, columns)
                names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
                raw.executemany(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - these names were checked
                count += len(rows)
            raw.execute("COMMIT")
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, OverflowError) as error:
        raise ValueError(f"a row does not fit its table: {error}") from error
    except sqlite3.Error as error:
        raise Unavailable(f"database {path}") from error
    migrate_sqlite(path)
    return count


def _check(raw: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
    """Raise ValueError unless the file has this table with these columns."""
    if not table.isidentifier() or table in _STAYING:
        raise ValueError(f"there is no table {table!r}")
    known = {str(row[1]) for row in raw.execute(f"PRAGMA table_info({table})")}
    if unknown := [name for name in columns if name not in known]:
        raise ValueError(f"table {table} has no column {unknown[0]!r}")
