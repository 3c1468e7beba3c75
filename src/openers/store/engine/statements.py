"""Statements: written once in SQLAlchemy Core, compiled for each database, run as text with parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import UnionType
from typing import Any, Final, Protocol, TypeVar

import msgspec
from sqlalchemy import Select, String, Table, bindparam, column, func, select, type_coerce
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import SelectBase

from openers.domain.advice import MessageText
from openers.domain.clock import Instant
from openers.domain.identifiers import Identifier

T = TypeVar("T")
Value = str | int | bytes | None
"""A column value."""
Row = tuple[Any, ...]
"""One row of `Value`s whose types the statement determines."""

Insert = sqlite.Insert | postgresql.Insert

_SQLITE: Final[Dialect] = sqlite.dialect(paramstyle="qmark")
_POSTGRESQL: Final[Dialect] = postgresql.dialect(paramstyle="numeric_dollar")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Statement:
    """One statement for both databases.

    `names` are its parameters in the order of each database. `constants` are parameters whose values the statement
    contains. `writes` is whether it may change data.
    """

    def __init__(self, clause: ClauseElement, postgres: ClauseElement | None = None) -> None:
        """Compile the statement; `postgres` is for the few statements that must differ there."""
        self.sqlite, self.sqlite_names, self.constants = _compile(clause, _SQLITE)
        self.postgres, self.postgres_names, more = _compile(clause if postgres is None else postgres, _POSTGRESQL)
        self.constants.update(more)
        self.writes = not isinstance(clause, SelectBase)


def _compile(clause: ClauseElement, dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Value]]:
    compiled = clause.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names: tuple[str, ...] = tuple(getattr(compiled, "positiontup", None) or ())
    known: dict[str, Value] = dict(compiled.params or {})
    return str(compiled), names, {name: known[name] for name in names if known[name] is not None}


def upsert(table: Table) -> Statement:
    """Return a statement that inserts a row of `table`, or replaces the row with the same primary key."""
    keys = [column.name for column in table.primary_key]

    def _clause(insert: Insert) -> ClauseElement:
        fresh = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
        if not fresh:
            return insert.on_conflict_do_nothing(index_elements=keys)
        return insert.on_conflict_do_update(index_elements=keys, set_=fresh)

    return Statement(_clause(sqlite.insert(table)), _clause(postgresql.insert(table)))


def add_once(table: Table) -> Statement:
    """Return a statement that inserts a row unless its primary key exists; the row count shows which."""
    return Statement(sqlite.insert(table).on_conflict_do_nothing(), postgresql.insert(table).on_conflict_do_nothing())


def texts(name: str, *, postgres: bool = False) -> Select[str]:
    """Select the texts in parameter `name`, one JSON array of any length, as rows."""
    if postgres:
        return select(func.jsonb_array_elements_text(type_coerce(bindparam(name), JSONB)).label("value"))
    return select(column("value", String)).select_from(func.json_each(bindparam(name)))


class Connection(Protocol):
    """The database connection that repositories use. On SQLite its methods never suspend."""

    async def row(self, statement: Statement, values: Mapping[str, Value]) -> Row | None:
        """Return the first row, or `None`."""
        ...

    async def rows(self, statement: Statement, values: Mapping[str, Value]) -> list[Row]:
        """Return all rows."""
        ...

    async def run(self, statement: Statement, values: Mapping[str, Value]) -> int:
        """Run a statement and return the number of changed rows."""
        ...

    async def run_many(self, statement: Statement, rows: Sequence[Mapping[str, Value]]) -> None:
        """Run a statement once for each row of values, in one go."""
        ...

    async def next_number(self, name: str) -> int:
        """Return the next number of a series; each number is returned once."""
        ...

    async def set_number(self, name: str, value: int) -> None:
        """Continue a series after `value`."""
        ...


def micros(instant: Instant) -> int:
    """Return an instant as stored: whole microseconds since 1970."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def instant(value: int) -> Instant:
    """Return the instant that `micros` stored."""
    return _EPOCH + timedelta(microseconds=value)


_encoder: Final = msgspec.json.Encoder(enc_hook=str.__str__)


def encode(value: object) -> bytes:
    """Return a value as the stored JSON."""
    return _encoder.encode(value)


def decoder(of: type[T] | UnionType) -> msgspec.json.Decoder[T]:
    """Return the decoder of stored values of a type; identifiers and messages are not validated again."""
    return msgspec.json.Decoder(of, dec_hook=_restore)


def _restore(kind: type[Identifier | MessageText], text: str) -> str:
    return kind.restored(text)
