"""Tokens, codes, sessions and used assertion ids in SQL. Callers pass secrets as hashes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import bindparam, delete, select, update

from openers.domain.clock import Instant
from openers.domain.credentials import AuthorisationCode, CredentialKind, Grant, Session
from openers.domain.identifiers import UserId
from openers.domain.sessions.professional import ProfessionalSession
from openers.store.engine.statements import Connection, Row, Statement, add_once, decoder, encode, micros
from openers.store.engine.tables import credentials

T = TypeVar("T")

_columns = credentials.c
_the_one = (_columns.kind == bindparam("kind"), _columns.key == bindparam("key"))
_ADD: Final = add_once(credentials)
_GET: Final = Statement(select(_columns.body).where(*_the_one))
_ALL: Final = Statement(select(_columns.body).where(_columns.kind == bindparam("kind")).order_by(_columns.key))
_REPLACE: Final = Statement(update(credentials).where(*_the_one).values(body=bindparam("new_body")))
_TAKE: Final = Statement(delete(credentials).where(*_the_one).returning(_columns.body))
_of_session = _columns.session == bindparam("of_session")
_OF_SESSION: Final = Statement(
    select(_columns.body).where(_of_session, _columns.kind == bindparam("kind")).order_by(_columns.key)
)
_END: Final = Statement(delete(credentials).where(_of_session))
_OF_PERSON: Final = Statement(
    select(_columns.body)
    .where(_columns.person == bindparam("of_person"), _columns.kind == bindparam("kind"))
    .order_by(_columns.key)
)
_END_APPLICATION: Final = Statement(delete(credentials).where(_columns.application == bindparam("of_application")))
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
        row = {"kind": kind, "key": key, "session": session, "expires": micros(expires), "body": body, **_holder(value)}
        return await self._connection.run(_ADD, row) == 1

    async def get(self, kind: CredentialKind, key: str, as_type: type[T]) -> T | None:
        """Return the value of `key`, expired or not."""
        return _value(await self._connection.row(_GET, {"kind": kind, "key": key}), as_type)

    async def replace(self, kind: CredentialKind, key: str, value: msgspec.Struct) -> bool:
        """Replace the value of `key`, if it still exists, and return whether it did. It expires as before."""
        return await self._connection.run(_REPLACE, {"kind": kind, "key": key, "new_body": encode(value)}) == 1

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

    async def of_person(self, kind: CredentialKind, person: UserId, as_type: type[T]) -> Sequence[T]:
        """Return all values of a kind that belong to a person, expired or not, by key."""
        rows = await self._connection.rows(_OF_PERSON, {"kind": kind, "of_person": person})
        return [_decoder_of(as_type).decode(row[0]) for row in rows]

    async def end_session(self, session: str) -> None:
        """Remove all credentials of a session."""
        await self._connection.run(_END, {"of_session": session})

    async def end_application(self, client_id: str) -> int:
        """Remove all codes and tokens of an application; return their number."""
        return await self._connection.run(_END_APPLICATION, {"of_application": client_id})

    async def purge(self, before: Instant) -> int:
        """Remove credentials that expired before an instant; return their number."""
        return await self._connection.run(_PURGE, {"before": micros(before)})


def _holder(value: msgspec.Struct | None) -> dict[str, str]:
    """Return the person and the application with which a credential ends; empty if it has none."""
    match value:
        case Grant(client_id=client_id, session=session):
            return {"person": "" if session is None else session.user, "application": client_id}
        case AuthorisationCode(request=request, session=session):
            return {"person": session.user, "application": request.client_id}
        case Session(user=user) | ProfessionalSession(user=user):
            return {"person": user, "application": ""}
        case _:
            return {"person": "", "application": ""}


@cache
def _decoder_of(as_type: type[Any]) -> msgspec.json.Decoder[Any]:
    return decoder(as_type)


def _value(row: Row | None, as_type: type[T]) -> T | None:
    if row is None:
        return None
    value: T = _decoder_of(as_type).decode(row[0])
    return value
