"""The SQLite store of a Test PAS: one file, one process; each change is durable before it is reported.

`change` is the only way to write. Each change has a stamp, in microseconds, that is greater than all earlier ones, even
if the clock was set back. So a query by "changed since" never misses a change.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import msgspec

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS slot (
    id TEXT PRIMARY KEY, clinic TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    status TEXT NOT NULL, updated INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS slot_by_start ON slot (clinic, start, id);
CREATE INDEX IF NOT EXISTS slot_by_change ON slot (clinic, updated, id);
CREATE TABLE IF NOT EXISTS closed_slot (slot TEXT PRIMARY KEY REFERENCES slot (id)) STRICT;
CREATE TABLE IF NOT EXISTS appointment (
    id TEXT PRIMARY KEY, booking_key TEXT NOT NULL UNIQUE, slot TEXT NOT NULL REFERENCES slot (id),
    status TEXT NOT NULL, version INTEGER NOT NULL, ubrn TEXT NOT NULL, nhs_number TEXT NOT NULL, priority INTEGER,
    created INTEGER NOT NULL, reason TEXT, comment TEXT, updated INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_appointment_in_a_slot ON appointment (slot) WHERE status <> 'cancelled';
CREATE TABLE IF NOT EXISTS notification (
    id INTEGER PRIMARY KEY AUTOINCREMENT, appointment TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL, due INTEGER NOT NULL, answer TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS notification_waiting ON notification (appointment, id) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS clinic (id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS used_token (id TEXT PRIMARY KEY, expires INTEGER NOT NULL) STRICT;
"""
STAMP: Final = "stamp"


class InUse(RuntimeError):
    """Another process uses the file."""


class Change(msgspec.Struct, frozen=True):
    """An open transaction and its stamp."""

    db: sqlite3.Connection
    stamp: int


def _locked(path: Path) -> IO[bytes]:
    """Return a lock file beside the file, locked until it is closed. Raises InUse."""
    lock = path.with_name(f"{path.name}.lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise InUse(f"{path}: another process has it open") from error
    return lock


class Store:
    """The file. Only this process writes to it."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises InUse."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock: Final = _locked(path)
        # Others may read: a backup does. It can hold a lock for a moment when it opens the file.
        self.db: Final = sqlite3.connect(path, timeout=5, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self.db.execute(f"PRAGMA {pragma}")
            self.db.executescript(f"BEGIN IMMEDIATE;{SCHEMA}COMMIT;")
        except sqlite3.OperationalError as error:
            self.close()
            raise InUse(f"{path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self.db.close()
        self._lock.close()

    @contextmanager
    def change(self, now: int) -> Generator[Change]:
        """Run a transaction, rolled back on an exception and else committed. `now` is in microseconds."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            stamp = max(now, self.fact(STAMP) + 1)
            self.set_fact(STAMP, stamp)
            yield Change(self.db, stamp)
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def fact(self, name: str) -> int:
        """Return the number stored under a name; 0 if it was never set."""
        row = self.db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def set_fact(self, name: str, value: int) -> None:
        """Store a number under a name."""
        self.db.execute(
            "INSERT INTO fact VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value)
        )

    def clinics(self) -> list[bytes]:
        """Return the clinics that were made here, as JSON."""
        return [bytes(row[0]) for row in self.db.execute("SELECT body FROM clinic ORDER BY id")]

    def add_clinic(self, clinic: str, body: bytes) -> None:
        """Store a clinic."""
        self.db.execute("INSERT INTO clinic VALUES (?, ?)", (clinic, body))

    def counts(self, table: str, column: str) -> dict[str, int]:
        """Return the number of rows of `table` for each value of `column`."""
        known = {("slot", "status"), ("appointment", "status"), ("notification", "state")}
        if (table, column) not in known:
            raise LookupError(table, column)
        rows = self.db.execute(f"SELECT {column}, count(*) FROM {table} GROUP BY 1 ORDER BY 1")  # noqa: S608 -- both names are known
        return {str(row[0]): int(row[1]) for row in rows}
