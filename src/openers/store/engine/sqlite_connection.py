"""Connections to a SQLite file: how they are set up, what runs statements on one, and checkpoints beside the writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from openers.domain.errors import Unavailable
from openers.store.engine.statements import Row, Statement, Value

SQLITE: Final = "sqlite"

SETTINGS: Final = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}
"""Pragmas and the values they must read back: 2 is FULL, each commit is synced; checkpoints run aside."""
LONGEST_LOG_PAGES: Final = 4096
"""Beyond this length (16 MiB) the writer itself finishes the checkpoint, so that the log begins anew."""
BROKEN: Final = (sqlite3.OperationalError, sqlite3.InternalError)
"""What sqlite3 raises when the database, not a statement, is at fault."""


class SqliteConnection:
    """The `Connection` over sqlite3: nothing suspends. Raises Unavailable for a database that fails."""

    __slots__ = ("raw", "writable")

    def __init__(self, raw: sqlite3.Connection) -> None:
        """`raw` is in autocommit mode; a statement that writes needs `writable`, which is so within an act."""
        self.raw = raw
        self.writable = False

    async def row(self, statement: Statement, values: Mapping[str, Value]) -> Row | None:
        """The first row, or `None`."""
        found: Row | None = self._execute(statement, values).fetchone()
        return found

    async def rows(self, statement: Statement, values: Mapping[str, Value]) -> list[Row]:
        """All rows."""
        return self._execute(statement, values).fetchall()

    async def run(self, statement: Statement, values: Mapping[str, Value]) -> int:
        """How many rows were changed."""
        return self._execute(statement, values).rowcount

    async def next_number(self, name: str) -> int:
        """The next number of a series."""
        self._check_writable()
        try:
            drawn: Row = self.raw.execute(
                "UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", (name,)
            ).fetchone()
        except BROKEN as error:
            raise Unavailable("database") from error
        return int(drawn[0])

    async def set_number(self, name: str, value: int) -> None:
        """Have a series go on after `value`."""
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
            raise RuntimeError("only the body of an act writes, and it may await its transaction and nothing else")


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file at `path`, in autocommit mode. It never waits for a lock of another process.

    Raises Unavailable if the file can't be used as it must be (settings that do not hold).
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
    """What the pragmas of `SETTINGS` read on a connection."""
    return {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in SETTINGS}


def checkpoint_aside(path: Path) -> bool:
    """Move the write-ahead log into the file, on a connection of its own; the caller gives it a thread.

    A busy writer adds to the log meanwhile: the answer is whether it has become so long that the writer should stop
    and move the rest. A failure leaves the log as it was, for the next time.
    """
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as raw:
        return checkpoint(raw) > LONGEST_LOG_PAGES
    return False


def checkpoint(raw: sqlite3.Connection) -> int:
    """Move what nobody reads any more from the log into the file, waiting for nobody; pages in the log."""
    _, pages, _ = raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return int(pages)


def sqlite_path(url: str) -> Path | None:
    """The file that a `sqlite:///` URL names (three slashes: relative), or `None` for another database."""
    kind, _, path = url.partition(":///")
    return Path(path) if kind == SQLITE else None
