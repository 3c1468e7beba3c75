"""Tokens, codes, sessions and used assertion ids in SQL. Callers pass secrets as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import bindparam, delete, select

from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind
from openers.store.engine.statements import Connection, Row, Statement, add_once, decoder, encode, micros
from openers.store.engine.tables import credentials

T = TypeVar("T")

_columns = credentials.c
_the_one = (_columns.kind == bindparam("kind"), _columns.key == bindparam("key"))
_ADD: Final = add_once(credentials)
_GET: Final = Statement(select(_columns.body).where(*_the_one))
_ALL: Final = Statement(select(_columns.body).where(_columns.kind == bindparam("kind")).order_by(_columns.key))
_TAKE: Final = Statement(delete(credentials).where(*_the_one).returning(_columns.body))
_of_session = _columns.session == bindparam("of_session")
_OF_SESSION: Final = Statement(
    select(_columns.body).where(_of_session, _columns.kind == bindparam("kind")).order_by(_columns.key)
)
_END: Final = Statement(delete(credentials).where(_of_session))
_PURGE: Final = Statement(delete(credentials).where(_columns.expires < bindparam("before")))
_NOTHING: Final = b"null"


class SqlCredentials:
    """The `Credentials` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def add(
        self, kind: CredentialKind, key: str, value: msgspec.Struct | None, expires: Instant, session: str = ""
    ) -> bool:
        """Store `value`; return `False` and store nothing if the key exists already."""
        body = _NOTHING if value is None else encode(value)
        row = {"kind": kind, "key": key, "session": session, "expires": micros(expires), "body": body}
        return await self._connection.run(_ADD, row) == 1

    async def get(self, kind: CredentialKind, key: str, as_type: type[T]) -> T | None:
        """Return the value of `key`, expired or not."""
        return _value(await self._connection.row(_GET, {"kind": kind, "key": key}), as_type)

    async def take(self, kind: CredentialKind, key: str, as_type: type[T]) -> T | None:
        """Remove and return the value of `key`: only one caller receives it."""
        return _value(await self._connection.row(_TAKE, {"kind": kind, "key": key}), as_type)

    async def all(self, kind: CredentialKind, as_type: type[T]) -> Sequence[T]:
        """Return all values of a kind, expired or not."""
        rows = await self._connection.rows(_ALL, {"kind": kind})
        return [_decoder_of(as_type).decode(row[0]) for row in rows]

    async def of_session(self, kind: CredentialKind, session: str, as_type: type[T]) -> Sequence[T]:
        """Return all values of a kind in a session, expired or not, by key."""
        rows = await self._connection.rows(_OF_SESSION, {"kind": kind, "of_session": session})
        return [_decoder_of(as_type).decode(row[0]) for row in rows]

    async def end_session(self, session: str) -> None:
        """Remove all credentials of a session."""
        await self._connection.run(_END, {"of_session": session})

    async def purge(self, before: Instant) -> int:
        """Remove credentials that expired before an instant; return their number."""
        return await self._connection.run(_PURGE, {"before": micros(before)})


@cache
def _decoder_of(as_type: type[Any]) -> msgspec.json.Decoder[Any]:
    return decoder(as_type)


def _value(row: Row | None, as_type: type[T]) -> T | None:
    if row is None:
        return None
    value: T = _decoder_of(as_type).decode(row[0])
    return value
