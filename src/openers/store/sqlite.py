"""A world in one SQLite file, for one process: acts that arrive together commit together.

Everything runs on one connection on the event loop. An act is a savepoint in the open group; the group commits once,
with its audit block, when the loop has run what was ready, and only then do its acts return. Reads and refusals join
the group with their audit entries. The body of an act never suspends, or savepoints would interleave: asserted here.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from types import TracebackType
from typing import Final

from openers.domain.audit import AuditEntry
from openers.domain.errors import Unavailable
from openers.store.audit_chain import Sealer
from openers.store.audit_rows import ADD_BLOCK, HEADS, PUT_HEAD, block_row, head_of, head_row
from openers.store.statements import Row, Statement, Value, encode
from openers.store.transaction import SqlTx
from openers.usecases.ports import Tx

WRITER: Final = "sqlite"
"""Name of the one audit chain."""
SETTINGS: Final = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 0}
"""Pragmas and the values they must read back: 2 is FULL, each commit is synced; checkpoints run aside."""
CHECKPOINT_EVERY: Final = 256
"""Commit groups between two checkpoints; a group writes a handful of pages of 4 KiB."""
LONGEST_LOG_BYTES: Final = 16 * 2**20
"""Beyond this size the write-ahead log is begun anew, for which the writer waits a moment."""


class SqliteConnection:
    """The `Connection` over sqlite3: nothing suspends. Raises Unavailable for a database that fails."""

    __slots__ = ("raw",)

    def __init__(self, raw: sqlite3.Connection) -> None:
        """`raw` is in autocommit mode."""
        self.raw = raw

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
        drawn: Row = self.raw.execute(
            "UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", (name,)
        ).fetchone()
        return int(drawn[0])

    def _execute(self, statement: Statement, values: Mapping[str, Value]) -> sqlite3.Cursor:
        if statement.constants:
            values = {**statement.constants, **values}
        try:
            return self.raw.execute(statement.sqlite, [values[name] for name in statement.sqlite_names])
        except sqlite3.OperationalError as error:
            raise Unavailable("database") from error


class _Group:
    """Acts and audit entries that will commit together, and who waits for it."""

    __slots__ = ("entries", "waiters")

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.waiters: list[asyncio.Future[None]] = []


class SqliteStore:
    """The `Store` port over one file. Made by `open_sqlite`."""

    def __init__(
        self, path: Path, raw: sqlite3.Connection, audit_key: bytes, observe_group: Callable[[int], object] = int
    ) -> None:
        """`raw` is set up; `audit_key` seals the audit and lives outside the store."""
        self.path = path
        self._raw = raw
        self._connection = SqliteConnection(raw)
        self._tx = SqlTx(self._connection)
        self._key = audit_key
        self._sealer = _sealer(raw, audit_key)
        self._group: _Group | None = None
        self._inside = False
        self._checkpoint: asyncio.Future[None] | None = None
        self._observe_group = observe_group

    def begin(self, entry: AuditEntry, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """A savepoint of the open group. `lock` needs nothing here: bodies run one after another."""
        return _Act(self, entry)

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """The present state, the open group included: its audit entry shares the group's fate."""
        return _Read(self._tx)

    async def witness(self, entry: AuditEntry) -> None:
        """Make an audit entry durable with the open group."""
        await self.joined(entry)

    async def upkeep(self) -> None:
        """Nothing: each group seals its own entries."""

    async def check(self) -> None:
        """Raise Unavailable if the file can't be read."""
        try:
            self._raw.execute("SELECT 1 FROM counters LIMIT 1")
        except sqlite3.Error as error:
            raise Unavailable("database") from error

    async def close(self) -> None:
        """Commit what is open, finish a checkpoint and close the file."""
        if self._group is not None:
            self._commit()
        if self._checkpoint is not None:
            await self._checkpoint
        self._raw.close()

    def snapshot(self, path: Path) -> None:
        """Copy the committed state into a new file at `path`."""
        if self._group is not None:
            self._commit()
        with closing(sqlite3.connect(path)) as copy:
            self._raw.backup(copy)

    def enter(self) -> Tx:
        """Begin an act: open a group if there is none, and a savepoint in it."""
        if self._inside:
            raise RuntimeError("the body of an act suspended on SQLite: it may await its transaction and nothing else")
        self._open_group()
        if not self._raw.in_transaction:  # SQLite itself gave the group up, as it does on a full disk
            raise Unavailable("database")
        self._raw.execute("SAVEPOINT act")
        self._inside = True
        return self._tx

    def leave(self, *, keep: bool) -> None:
        """End the act's savepoint, keeping or undoing what it did."""
        self._inside = False
        try:
            if not keep:
                self._raw.execute("ROLLBACK TO act")
            self._raw.execute("RELEASE act")
        except sqlite3.Error as error:
            raise Unavailable("database") from error

    def joined(self, entry: AuditEntry) -> asyncio.Future[None]:
        """Add an entry to the open group; the future is done when the group is durable. Raises Unavailable."""
        group = self._open_group()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        group.entries.append(entry)
        group.waiters.append(waiter)
        return waiter

    def _open_group(self) -> _Group:
        if self._group is None:
            try:
                self._raw.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                raise Unavailable("database") from error
            self._group = _Group()
            asyncio.get_running_loop().call_soon(self._commit)
        return self._group

    def _commit(self) -> None:
        """Seal and commit the open group, and tell everybody who waits how it went."""
        group, self._group = self._group, None
        if group is None:
            return
        failure = self._write(group)
        for waiter in group.waiters:
            if waiter.done():
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(Unavailable("database"))
        if failure is None and self._sealer.head.seq % CHECKPOINT_EVERY == 0:
            self._start_checkpoint()

    def _write(self, group: _Group) -> sqlite3.Error | None:
        if not self._raw.in_transaction:
            return sqlite3.OperationalError("the group was rolled back")
        try:
            if group.entries:
                self._observe_group(len(group.entries))
                block = self._sealer.seal([encode(entry) for entry in group.entries])
                _run(self._raw, ADD_BLOCK, block_row(block))
                _run(self._raw, PUT_HEAD, head_row(block, self._key))
                self._raw.execute("COMMIT")
                self._sealer.advance(block)
            else:
                self._raw.execute("COMMIT")
        except sqlite3.Error as error:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            return error
        return None

    def _start_checkpoint(self) -> None:
        if self._checkpoint is None or self._checkpoint.done():
            loop = asyncio.get_running_loop()
            self._checkpoint = loop.run_in_executor(None, _checkpoint, self.path)


class _Act(AbstractAsyncContextManager[Tx]):
    """One act: a savepoint, then the wait for its group."""

    __slots__ = ("_entry", "_store")

    def __init__(self, store: SqliteStore, entry: AuditEntry) -> None:
        self._store, self._entry = store, entry

    async def __aenter__(self) -> Tx:
        return self._store.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.leave(keep=error is None)
        if error is None:
            await self._store.joined(self._entry)


class _Read(AbstractAsyncContextManager[Tx]):
    """Reading needs no transaction: nothing else runs in between."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def __aenter__(self) -> Tx:
        return self._tx

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


def open_sqlite(path: Path, audit_key: bytes, observe_group: Callable[[int], object] = int) -> SqliteStore:
    """The store in the migrated file at `path`. `observe_group` is told the size of each commit group.

    Raises Unavailable if the file can't be used as it must be (settings that do not hold).
    """
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for name, value in SETTINGS.items():
        raw.execute(f"PRAGMA {name} = {value}")
    held = settings_of(raw)
    if held != SETTINGS:
        raise Unavailable(f"database settings: {held}")
    return SqliteStore(path, raw, audit_key, observe_group)


def settings_of(raw: sqlite3.Connection) -> dict[str, str | int]:
    """What the pragmas of `SETTINGS` read on a connection."""
    return {name: raw.execute(f"PRAGMA {name}").fetchone()[0] for name in SETTINGS}


def _sealer(raw: sqlite3.Connection, key: bytes) -> Sealer:
    """The sealer that goes on where the stored chain ends."""
    for row in raw.execute(HEADS.sqlite):
        head, _ = head_of(row)
        if head.writer == WRITER:
            return Sealer(key, *head)
    return Sealer(key, WRITER)


def _run(raw: sqlite3.Connection, statement: Statement, values: Mapping[str, Value]) -> None:
    raw.execute(statement.sqlite, [values[name] for name in statement.sqlite_names])


def _checkpoint(path: Path) -> None:
    """Move the write-ahead log into the file, on a connection and thread of its own."""
    with closing(sqlite3.connect(path, timeout=1.0)) as raw:
        raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
        log = Path(f"{path}-wal")
        if log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
            raw.execute("PRAGMA wal_checkpoint(RESTART)")
