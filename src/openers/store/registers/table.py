"""A register in SQL: one table with a version; `history` receives each replaced value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    bindparam,
    cast,
    delete,
    insert,
    select,
    update,
)

from openers.domain.errors import RecordLocked, VersionConflict
from openers.store.engine import tables
from openers.store.engine.statements import Connection, Statement, Value, add_once, decoder, encode, texts
from openers.usecases.ports.registers import Window
from openers.usecases.ports.stored import Stored

T = TypeVar("T")

LONGEST_KEY: Final = 40
"""Characters of a key in `history`. A longer key is kept as its hash."""
_KEEP: Final = Statement(insert(tables.history))
_FORGET: Final = Statement(
    delete(tables.history).where(
        tables.history.c.kind == bindparam("of_kind"), tables.history.c.key == bindparam("of_key")
    )
)
_PAST: Final = Statement(
    select(tables.history.c.body).where(
        tables.history.c.kind == bindparam("of_kind"),
        tables.history.c.key == bindparam("of_key"),
        tables.history.c.version == bindparam("of_version"),
    )
)


class Layout(NamedTuple, Generic[T]):
    """The layout of a table: its key, the type of its values, and its columns beside key, version and body.

    Columns have the names of fields. `owner` limits a list to the records of the organisation in the parameter `owner`.
    `kind` is the name in history.
    """

    kind: str
    table: Table
    of: type[T]
    key: str
    columns: tuple[str, ...] = ()
    owner: ColumnElement[bool] | None = None

    def key_of(self, value: T) -> str:
        """Return the key of a value."""
        return str(getattr(value, self.key))

    def columns_of(self, value: T) -> dict[str, Value]:
        """Return the columns of a value."""
        return {name: _column(getattr(value, name)) for name in self.columns}


class RegisterTable(Generic[T]):
    """The statements of one register."""

    def __init__(self, layout: Layout[T]) -> None:
        """Build the statements."""
        table, own = layout.table, layout.table.c
        key = own[layout.key]
        self.layout = layout
        self.is_number = isinstance(key.type, BigInteger)
        wanted = select(key, own.version, own.body)
        walk = wanted.where(key > bindparam("after")).order_by(key).limit(bindparam("most"))
        self.get = Statement(wanted.where(key == bindparam("of_key")))
        of_keys = wanted.where(key.in_(self._keys(postgres=True)))
        self.several = Statement(wanted.where(key.in_(self._keys(postgres=False))), of_keys)
        self.held = Statement(
            wanted.where(key.in_(self._keys(postgres=False))), of_keys.order_by(key).with_for_update()
        )
        self.page = Statement(walk)
        self.page_of = None if layout.owner is None else Statement(walk.where(layout.owner))
        self.add = add_once(table)
        self.remove = Statement(delete(table).where(key == bindparam("of_key")))
        changing: dict[str, Any] = {each.name: bindparam(each.name) for each in own if each.name != layout.key}
        self.put = Statement(
            update(table).where(key == bindparam("of_key"), own.version == bindparam("was")).values(changing)
        )
        self.decoder: msgspec.json.Decoder[T] = decoder(layout.of)

    def _keys(self, *, postgres: bool) -> Any:
        keys = texts("keys", postgres=postgres).subquery()
        return select(cast(keys.c.value, BigInteger) if self.is_number else keys.c.value)

    def column(self, key: str) -> Value:
        """Return a key as its column holds it."""
        return int(key or 0) if self.is_number else key


class SqlRegister(Generic[T]):
    """The `Register` port over one connection."""

    __slots__ = ("_connection", "_of")

    def __init__(self, connection: Connection, of: RegisterTable[T]) -> None:
        """Store `connection`, which is in a transaction that reads and writes."""
        self._connection, self._of = connection, of

    async def get(self, key: str) -> Stored[T] | None:
        """Return the record with this key."""
        row = await self._connection.row(self._of.get, {"of_key": self._of.column(key)})
        return None if row is None else self._stored(*row)

    async def several(self, keys: Sequence[str]) -> Sequence[Stored[T]]:
        """Return the existing records among `keys`, in any order."""
        rows = await self._connection.rows(self._of.several, {"keys": json.dumps(list(keys))})
        return [self._stored(*row) for row in rows]

    async def held(self, keys: Sequence[str]) -> Sequence[Stored[T]]:
        """Return the existing records among `keys`; no other act changes them before this act ends."""
        rows = await self._connection.rows(self._of.held, {"keys": json.dumps(list(keys))})
        return [self._stored(*row) for row in rows]

    async def page(self, window: Window) -> Sequence[Stored[T]]:
        """Return part of the list, in the order of the keys."""
        values: dict[str, Value] = {"after": self._of.column(window.after), "most": window.most}
        if window.organisation is None:
            rows = await self._connection.rows(self._of.page, values)
        elif self._of.page_of is None:
            rows = []
        else:
            rows = await self._connection.rows(self._of.page_of, {**values, "owner": window.organisation})
        return [self._stored(*row) for row in rows]

    async def add(self, value: T) -> Stored[T]:
        """Store a new record in version 1. Raises VersionConflict if its key exists."""
        key, layout = self._of.layout.key_of(value), self._of.layout
        [columns] = await self._columns([value])
        row = {layout.key: self._of.column(key), "version": 1, "body": encode(value), **columns}
        if not await self._connection.run(self._of.add, row):
            raise VersionConflict(0, await self._version(key))
        await self._written([value])
        return self._stored(key, 1, encode(value))

    async def replace(self, old: Stored[T], new: T) -> Stored[T]:
        """Replace a value, raise the version by one and keep the old value in history. Raises VersionConflict."""
        body, version = encode(new), old.version + 1
        values = {"of_key": self._of.column(old.key), "was": old.version, "version": version, "body": body}
        [columns] = await self._columns([new])
        if not await self._connection.run(self._of.put, {**values, **columns}):
            raise VersionConflict(old.version, await self._version(old.key))
        await self._connection.run(_KEEP, self._kept(old))
        await self._written([new])
        return self._stored(old.key, version, body)

    async def put(self, value: T) -> Stored[T]:
        """Add a record, or replace the present one whatever its version."""
        old = await self.get(self._of.layout.key_of(value))
        return await (self.add(value) if old is None else self.replace(old, value))

    async def remove(self, key: str) -> None:
        """Remove a record to which nothing refers, and its history: the key may come again, with version 1."""
        await self._connection.run(self._of.remove, {"of_key": self._of.column(key)})
        await self._connection.run(_FORGET, {"of_kind": self._of.layout.kind, "of_key": _kept_key(key)})

    async def past(self, key: str, version: int) -> T | None:
        """Return the value that a record had in an earlier version."""
        kept = {"of_kind": self._of.layout.kind, "of_key": _kept_key(key), "of_version": version}
        row = await self._connection.row(_PAST, kept)
        return None if row is None else self._of.decoder.decode(row[0])

    async def write(self, changes: Sequence[tuple[Stored[T] | None, T]]) -> None:
        """Store new records, and replace others that `held` returned; all have different keys. Raises RecordLocked."""
        rows: list[dict[str, Value]] = []
        columns = await self._columns([new for _, new in changes])
        for (old, new), beside in zip(changes, columns, strict=True):
            key, was = self._of.column(self._of.layout.key_of(new)), 0 if old is None else old.version
            row = {"version": was + 1, "body": encode(new), **beside}
            rows.append({**row, self._of.layout.key: key} if old is None else {**row, "of_key": key, "was": was})
        added = [row for row in rows if "was" not in row]
        await self._connection.run_many(self._of.add, added)
        await self._connection.run_many(self._of.put, [row for row in rows if "was" in row])
        await self._connection.run_many(_KEEP, [self._kept(old) for old, _ in changes if old is not None])
        await self._check_added(added)
        await self._written([new for _, new in changes])

    async def _check_added(self, rows: Sequence[Mapping[str, Value]]) -> None:
        """Raise RecordLocked if another act has added one of these records at the same time."""
        bodies = {str(row[self._of.layout.key]): row["body"] for row in rows}
        stored = {each.key: each.body for each in await self.several(list(bodies))} if bodies else {}
        if stored != bodies:
            raise RecordLocked

    async def _columns(self, values: Sequence[T]) -> Sequence[Mapping[str, Value]]:
        """Return the columns beside key, version and body, for each value."""
        return [self._of.layout.columns_of(value) for value in values]

    async def _written(self, values: Sequence[T]) -> None:
        """Write what depends on new values, if anything."""

    def _kept(self, old: Stored[T]) -> dict[str, Value]:
        """Return the row of history for a replaced value."""
        return {"kind": self._of.layout.kind, "key": _kept_key(old.key), "version": old.version, "body": old.body}

    async def _version(self, key: str) -> int:
        present = await self.get(key)
        return 0 if present is None else present.version

    def _stored(self, key: Any, version: int, body: bytes) -> Stored[T]:
        return Stored(str(key), version, body, self._of.decoder)


def _column(value: str | bool | date) -> Value:
    """Return the value of a field as a column holds it."""
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, bool) else value


def _kept_key(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else blake2b(key.encode(), digest_size=LONGEST_KEY // 2).hexdigest()
