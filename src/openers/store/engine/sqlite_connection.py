"""Connections to a SQLite file: their setup, running statements, and checkpoints beside the writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from openers.domain.errors import Unavailable
from openers.store.engine.statements import Row, Statement, Value

SQLITE: Final = "sqlite"

SETTINGS: Final = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}
"""Pragmas and the values they must have: 2 is FULL, each commit is synced; checkpoints run separately."""
LONGEST_LOG_PAGES: Final = 4096
"""Log length (16 MiB) above which the writer itself finishes the checkpoint, so that the log restarts."""
FEW_PAGES: Final = 256
"""Pages of the log that the writer moves in a few milliseconds."""
ROUNDS: Final = 8
"""Rounds of a checkpoint beside a writer that adds more than a few pages in each."""
BROKEN: Final = (sqlite3.OperationalError, sqlite3.InternalError)
"""Errors of sqlite3 that blame the database, not a statement."""


class SqliteConnection:
    """The `Connection` over sqlite3, which never suspends. Raises Unavailable if the database fails."""

    __slots__ = ("raw", "writable")

    def __init__(self, raw: sqlite3.Connection) -> None:
        """Store `raw`, which is in autocommit mode. Writing needs `writable`, which is set within an act."""
        self.raw = raw
        self.writable = False

    async def row(self, statement: Statement, values: Mapping[str, Value]) -> Row | None:
        """Return the first row, or `None`."""
        found: Row | None = self._execute(statement, values).fetchone()
        return found

    async def rows(self, statement: Statement, values: Mapping[str, Value]) -> list[Row]:
        """Return all rows."""
        return self._execute(statement, values).fetchall()

    async def run(self, statement: Statement, values: Mapping[str, Value]) -> int:
        """Run a statement and return the number of changed rows."""
        return self._execute(statement, values).rowcount

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Value]]) -> None:
        """Run a statement once for each row of values."""
        if statement.writes:
            self._check_writable()
        constants, names = statement.constants, statement.sqlite_names
        try:
            self.raw.executemany(
                statement.sqlite, [[row[name] if name in row else constants[name] for name in names] for row in rows]
            )
        except BROKEN as error:
            raise Unavailable("database") from error

    async def next_number(self, name: str) -> int:
        """Return the next number of a series."""
        self._check_writable()
        try:
            drawn: Row = self.raw.execute(
                "UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", (name,)
            ).fetchone()
        except BROKEN as error:
            raise Unavailable("database") from error
        return int(drawn[0])

    async def set_number(self, name: str, value: int) -> None:
        """Continue a series after `value`."""
        self._check_writable()
        try:
            self.raw.execute("UPDATE counters SET value = ? WHERE name = ?", (value, name))
        except BROKEN as error:
            raise Unavailable("database") from error

    def _execute(self, statement: Statement, values: Mapping[str, Value]) -> sqlite3.Cursor:
        if statement.writes:
            self._check_writable()
        if statement.constants:
            values = {**statement.constants, **values}
        try:
            return self.raw.execute(statement.sqlite, [values[name] for name in statement.sqlite_names])
        except BROKEN as error:
            raise Unavailable("database") from error

    def _check_writable(self) -> None:
        if not self.writable:
            raise RuntimeError("only the body of an act may write, and it may await only its transaction")


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection to the file at `path` in autocommit mode. It never waits for another process's lock.

    Raises Unavailable if the file cannot be used with the required settings.
    """
    try:
        raw = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        for name, value in SETTINGS.items():
            raw.execute(f"PRAGMA {name} = {value}")
        held = settings_of(raw)
    except sqlite3.Error as error:
        raise Unavailable("database") from error
    if held != SETTINGS:
        raise Unavailable(f"database settings: {held}")
    return raw


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another connection has the lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def settings_of(raw: sqlite3.Connection) -> dict[str, str | int]:
    """Return the current values of the pragmas in `SETTINGS`."""
    return {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in SETTINGS}


def checkpoint_aside(path: Path) -> bool:
    """Move the write-ahead log into the file on a separate connection; the caller provides a thread.

    A busy writer adds to the log meanwhile, so this is repeated until little was added. Return whether the log is now
    so long that the writer should stop and move the rest. A failure leaves the log unchanged for the next attempt.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as raw:
        pages = 0
        for _ in range(ROUNDS):
            before, pages = pages, checkpoint(raw)
            if pages - before < FEW_PAGES:
                break
        return pages > LONGEST_LOG_PAGES
    return False


def checkpoint(raw: sqlite3.Connection) -> int:
    """Move log pages without readers into the file, without waiting for locks; return the pages in the log."""
    _, pages, _ = raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)


def sqlite_path(url: str) -> Path | None:
    """Return the file of a `sqlite:///` URL (three slashes: relative); `None` for another database."""
    kind, _, path = url.partition(":///")
    return Path(path) if kind == SQLITE else None
