"""Copies of a world's database: stored under a name, restored, and (on SQLite) opened as separate worlds.

On SQLite a copy is a file that the backup interface writes. On PostgreSQL it is a database created from a template.
There a process has one world, so it cannot fork.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from openers.store.opening import migrate
from openers.store.sqlite import SqliteStore, open_sqlite
from openers.usecases.ports.transaction import Store
from openers.worlds.refusals import NoForks

if TYPE_CHECKING:
    from openers.store.postgres import PostgresStore

EMPTY: Final = "new.empty"
"""Copy of an empty database with all tables. Names chosen by callers contain no dot."""


class Copies(Protocol):
    """Copies of databases by name."""

    async def keep(self, store: Store, name: str) -> None:
        """Copy the present content of `store`, replacing an earlier copy of this name. Raises Unavailable."""
        ...

    async def put_back(self, store: Store, name: str) -> None:
        """Replace the content of `store` with the copy. Raises Unavailable."""
        ...

    async def clear(self, store: Store) -> None:
        """Replace the content of `store` with empty tables. Raises Unavailable."""
        ...

    async def fork(self, name: str) -> Store:
        """Return a new store that begins as the copy. Raises NoForks, Unavailable."""
        ...

    async def discard(self, store: Store) -> None:
        """Close and remove a store that `fork` returned."""
        ...

    async def drop(self, name: str) -> None:
        """Remove a copy if it exists."""
        ...


class FileCopies:
    """The `Copies` of SQLite files."""

    def __init__(self, kept: Path, passing: Path, audit_key: bytes, observe_group: Callable[[int], object]) -> None:
        """Store the directories: `kept` for copies named by callers, `passing` for forks and temporary copies."""
        self._kept, self._passing = kept, passing
        self._key, self._observe = audit_key, observe_group
        self._forks = 0

    async def keep(self, store: Store, name: str) -> None:
        """Copy the present content of `store`, replacing an earlier copy of this name. Raises Unavailable."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        _sqlite(store).snapshot(unfinished)
        os.replace(unfinished, path)

    async def put_back(self, store: Store, name: str) -> None:
        """Replace the content of `store` with the copy. Raises Unavailable."""
        _sqlite(store).restore(self._path(name))

    async def clear(self, store: Store) -> None:
        """Replace the content of `store` with empty tables. Raises Unavailable."""
        path = self._path(EMPTY)
        if not path.exists():
            await migrate(f"sqlite:///{path}")
        await self.put_back(store, EMPTY)

    async def fork(self, name: str) -> Store:
        """Return a new store that begins as the copy. Raises Unavailable."""
        self._forks += 1
        path = self._passing / f"fork-{self._forks}.db"
        shutil.copyfile(self._path(name), path)
        return open_sqlite(path, self._key, self._observe)

    async def discard(self, store: Store) -> None:
        """Close and remove a store that `fork` returned."""
        path = _sqlite(store).path
        await store.close()
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    async def drop(self, name: str) -> None:
        """Remove a copy if it exists."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return (self._passing if "." in name else self._kept) / f"{name}.db"


class DatabaseCopies:
    """The `Copies` of PostgreSQL databases."""

    def __init__(self, url: str) -> None:
        """Store `url`, the address of the world's database."""
        self._url = url

    async def keep(self, store: Store, name: str) -> None:
        """Copy the present content of `store`, replacing an earlier copy of this name. Raises Unavailable."""
        from openers.store.postgres_copies import copy_database

        await copy_database(_postgres(store), self._url, name)

    async def put_back(self, store: Store, name: str) -> None:
        """Replace the content of `store` with the copy. Raises Unavailable."""
        from openers.store.postgres_copies import put_back_database

        await put_back_database(_postgres(store), self._url, name)

    async def clear(self, store: Store) -> None:
        """Replace the content of `store` with empty tables. Raises Unavailable."""
        from openers.store.postgres_copies import put_back_database

        await put_back_database(_postgres(store), self._url, None)

    async def fork(self, name: str) -> Store:
        """Refuse: PostgreSQL has no forks. Raises NoForks."""
        raise NoForks

    async def discard(self, store: Store) -> None:
        """Refuse: PostgreSQL has no forks. Raises NoForks."""
        raise NoForks

    async def drop(self, name: str) -> None:
        """Remove a copy if it exists."""
        from openers.store.postgres_copies import drop_database

        await drop_database(self._url, name)


def _sqlite(store: Store) -> SqliteStore:
    if not isinstance(store, SqliteStore):
        raise TypeError("only a SQLite store has a file")
    return store


def _postgres(store: Store) -> PostgresStore:
    from openers.store.postgres import PostgresStore  # its driver is slow to import

    if not isinstance(store, PostgresStore):
        raise TypeError("only a PostgreSQL store has a database")
    return store
