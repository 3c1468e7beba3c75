"""A world in one SQLite file, for one process: concurrent acts commit together.

All statements run on one connection on the event loop. An act is a savepoint in the open group. The group commits once,
with its audit block, after the loop has run the ready tasks; only then do its acts return. Reads and refusals add their
audit entries to the group. The body of an act must not suspend, or savepoints would interleave. An act that suspends is
undone as soon as another act runs, and raises at its next write or its end.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, closing, suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Final, TypeVar

from openers.domain.audit import AuditEntry
from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.store.audit.chain import Sealer
from openers.store.audit.rows import ADD_BLOCK, HEADS, PUT_HEAD, block_row, head_of, head_row, line_of
from openers.store.engine.sqlite_connection import SqliteConnection, checkpoint, checkpoint_aside, connect, is_busy
from openers.store.engine.statements import Statement, Value, encode
from openers.store.transaction import SqlTx
from openers.usecases.ports.transaction import Tx

T = TypeVar("T")
WRITER: Final = "sqlite"
"""Name of the one audit chain."""
CHECKPOINT_EVERY: Final = 256
"""Commit groups between two checkpoints; a group usually writes a few pages of 4 KiB."""
CHANGES_BETWEEN: Final = 8192
"""Changed rows after which a checkpoint is due too: an import changes hundreds in each group, a page or more each."""
PATIENCE_S: Final = 5.0
"""How many seconds a call waits for another process that has the write lock (a backup, a shell)."""
LOOK_AGAIN_S: Final = 0.01
"""Pause in seconds between two attempts to get that lock."""
SUSPENDED: Final = "the body of an act suspended on SQLite: it may await only its transaction"


class _Group:
    """Acts and audit entries that commit together, and the callers that wait for it."""

    __slots__ = ("entries", "waiters")

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.waiters: list[asyncio.Future[None]] = []


class SqliteStore:
    """The `Store` port over one file. Created by `open_sqlite`."""

    def __init__(
        self,
        path: Path,
        raw: sqlite3.Connection,
        audit_key: bytes,
        observe_group: Callable[[int], object] = int,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Store the configured connection `raw`; `audit_key` seals the audit and is kept outside the store.

        `patience_s` is how many seconds a call waits for another process that has the write lock.
        """
        self.path = path
        self._raw = raw
        self._writing = SqliteConnection(raw)
        self._tx = SqlTx(self._writing)
        self._reading = SqlTx(SqliteConnection(raw))
        self._key = audit_key
        self._sealer = _sealer(raw, audit_key)
        self._group: _Group | None = None
        self._generation = 0
        self._inside: _ActTransaction | None = None
        self._checkpoint: asyncio.Future[bool] | None = None
        self._moved = 0
        self._observe_group = observe_group
        self._patience_s = patience_s
        self._next_look: asyncio.Future[None] | None = None

    @property
    def generation(self) -> int:
        """Return a number that rises when a group fails or the data is replaced: earlier reads may then be invalid."""
        return self._generation

    def begin(self, entry: AuditEntry, lock: Sequence[str] = ()) -> AbstractAsyncContextManager[Tx]:
        """Return a savepoint of the open group. `lock` is not needed here: bodies run one after another."""
        return _ActTransaction(self, entry)

    def read(self) -> AbstractAsyncContextManager[Tx]:
        """Return the present state including the open group, with which the read's audit entry commits or fails."""
        return _Read(self._reading)

    async def record_audit(self, entry: AuditEntry) -> None:
        """Persist an audit entry with the open group."""
        line = line_of(entry)
        await self.open_group()
        await self._joined(line)

    async def log_exchanges(self, batch: ExchangeBatch, now: Instant, bounds: LogBounds) -> None:
        """Store logged exchanges with the open group."""
        await self._without_entry(lambda tx: tx.exchanges.add(batch, now, bounds))

    async def upkeep(self) -> None:
        """Add what was sealed since the last time to the index of the audit by patient."""
        while await self._reading.audit.indexed() < self._sealer.head.seq:
            if not await self._without_entry(lambda tx: tx.audit.fill(WRITER)):
                return  # blocks are missing, which `openers audit verify` reports

    async def _without_entry(self, change: Callable[[SqlTx], Awaitable[T]]) -> T:
        """Run an act of the store itself, which has no audit entry."""
        await self.open_group()
        act = _ActTransaction(self, None)
        tx = self.enter(act)
        try:
            result = await change(tx)
        except BaseException:
            self.undo(act)
            raise
        await self.keep(act, None)
        return result

    async def check(self) -> None:
        """Raise Unavailable if the file cannot be read."""
        try:
            self._raw.execute("SELECT 1 FROM counters LIMIT 1")
        except sqlite3.Error as error:
            raise Unavailable("database") from error

    async def close(self) -> None:
        """Commit the open group, finish a checkpoint and close the file."""
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

    def restore(self, path: Path) -> None:
        """Replace all data with the snapshot at `path`, durably, and invalidate caches. Raises Unavailable."""
        if self._group is not None:
            self._commit()
        try:
            self._raw.execute("BEGIN IMMEDIATE")  # refuse a locked file, since the copy would wait for it
            self._raw.execute("ROLLBACK")
            with closing(sqlite3.connect(path)) as copy:
                copy.backup(self._raw)
        except sqlite3.Error as error:
            raise Unavailable("database") from error
        self._sealer = _sealer(self._raw, self._key)
        self._generation += 1

    async def heads(self) -> Sequence[str]:
        """Return the durable head of the audit chain."""
        return [str(self._sealer.head)] if self._sealer.head.seq else []

    async def open_group(self) -> None:
        """Open a group if there is none. While another process has the write lock, wait and let other calls run.

        Raises Unavailable if the lock is not free in time.
        """
        ends = monotonic() + self._patience_s
        while self._group is None and (self._next_look is not None or not self._try_to_open()):
            if monotonic() >= ends:
                raise Unavailable("database")
            await asyncio.shield(self._look_again())

    def _look_again(self) -> asyncio.Future[None]:
        """Return a future for the next attempt to lock: one waiting caller tries for all."""
        if self._next_look is None:
            loop = asyncio.get_running_loop()
            self._next_look = loop.create_future()
            loop.call_later(LOOK_AGAIN_S, self._end_wait)
        return self._next_look

    def _end_wait(self) -> None:
        waited, self._next_look = self._next_look, None
        if waited is not None:
            waited.set_result(None)

    def enter(self, act: _ActTransaction) -> SqlTx:
        """Begin an act: a savepoint in the open group."""
        self._undo_suspended()
        self._present_group()
        if not self._raw.in_transaction:  # SQLite rolled the group back, as it does on a full disk
            raise Unavailable("database")
        self._raw.execute("SAVEPOINT act")
        self._inside, self._writing.writable = act, True
        return self._tx

    def keep(self, act: _ActTransaction, entry: AuditEntry | None) -> asyncio.Future[None]:
        """End the act's savepoint and keep its changes; the future is done when its group is durable.

        Only acts of the store itself have no audit entry.
        """
        if self._inside is not act:
            raise RuntimeError(SUSPENDED)
        try:
            line = b"" if entry is None else encode(entry)
            self._raw.execute("RELEASE act")
        except sqlite3.Error as error:
            self.undo(act)
            raise Unavailable("database") from error
        except Exception:
            self.undo(act)
            raise
        self._inside, self._writing.writable = None, False
        return self._joined(line)

    def undo(self, act: _ActTransaction) -> None:
        """End the act's savepoint and undo its changes, unless that has been done."""
        if self._inside is not act:
            return
        self._inside, self._writing.writable = None, False
        with suppress(sqlite3.Error):  # SQLite rolled the group back, and with it the savepoint
            self._raw.execute("ROLLBACK TO act")
            self._raw.execute("RELEASE act")

    def _undo_suspended(self) -> None:
        if self._inside is not None:
            self.undo(self._inside)

    def _joined(self, line: bytes) -> asyncio.Future[None]:
        """Add an audit entry, if any, to the open group; the future is done when it is durable. Raises Unavailable."""
        group = self._present_group()
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if line:
            group.entries.append(line)
        group.waiters.append(waiter)
        return waiter

    def _present_group(self) -> _Group:
        """Return the open group, or a new one. Raises Unavailable."""
        if self._group is None:
            self._try_to_open()
        if self._group is None:
            raise Unavailable("database")
        return self._group

    def _try_to_open(self) -> bool:
        """Try to open a group; return whether it succeeded. Raises Unavailable for failures other than the lock."""
        try:
            self._raw.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if is_busy(error):
                return False
            raise Unavailable("database") from error
        self._group = _Group()
        asyncio.get_running_loop().call_soon(self._commit)
        return True

    def _commit(self) -> None:
        """Seal and commit the open group, and report the result to all waiting callers."""
        group, self._group = self._group, None
        if group is None:
            return
        self._undo_suspended()
        failure = self._write(group)
        for waiter in group.waiters:
            if waiter.done():
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(Unavailable("database"))
        if failure is None:
            self._tend_log()
        else:
            self._generation += 1

    def _write(self, group: _Group) -> sqlite3.Error | None:
        if not self._raw.in_transaction:
            return sqlite3.OperationalError("the group was rolled back")
        try:
            if group.entries:
                self._observe_group(len(group.entries))
                block = self._sealer.seal(group.entries)
                _run(self._raw, ADD_BLOCK, block_row(block))
                _run(self._raw, PUT_HEAD, head_row(block, self._key))
                self._raw.execute("COMMIT")
                self._sealer.advance(block)
            else:
                self._raw.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                if self._raw.in_transaction:
                    self._raw.execute("ROLLBACK")
            return error
        return None

    def _tend_log(self) -> None:
        """Move the write-ahead log into the file at intervals; called between groups."""
        moving = self._checkpoint
        if moving is not None and moving.done():
            self._checkpoint = None
            if moving.result():
                with suppress(sqlite3.Error):
                    checkpoint(self._raw)
        changed = self._raw.total_changes
        is_due = self._sealer.head.seq % CHECKPOINT_EVERY == 0 or changed - self._moved >= CHANGES_BETWEEN
        if self._checkpoint is None and is_due:
            self._moved = changed
            loop = asyncio.get_running_loop()
            self._checkpoint = loop.run_in_executor(None, checkpoint_aside, self.path)


class _ActTransaction(AbstractAsyncContextManager[Tx]):
    """One act: a savepoint, then the wait for its group."""

    __slots__ = ("_entry", "_store")

    def __init__(self, store: SqliteStore, entry: AuditEntry | None) -> None:
        self._store, self._entry = store, entry

    async def __aenter__(self) -> Tx:
        await self._store.open_group()
        return self._store.enter(self)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self._store.keep(self, self._entry)
        else:
            self._store.undo(self)


class _Read(AbstractAsyncContextManager[Tx]):
    """A read needs no transaction, since no other task runs in between."""

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
    """Open the store in the migrated file at `path`. `observe_group` receives the size of each commit group.

    Raises Unavailable if the file cannot be used with the required settings.
    """
    return SqliteStore(path, connect(path), audit_key, observe_group)


def _sealer(raw: sqlite3.Connection, key: bytes) -> Sealer:
    """Return a sealer that continues at the stored head."""
    for row in raw.execute(HEADS.sqlite):
        head, _ = head_of(row)
        if head.writer == WRITER:
            return Sealer(key, *head)
    return Sealer(key, WRITER)


def _run(raw: sqlite3.Connection, statement: Statement, values: Mapping[str, Value]) -> None:
    raw.execute(statement.sqlite, [values[name] for name in statement.sqlite_names])
