"""Shared SQL of referrals and requests for advice, which have a table each.

Existence, relationship, kind and version are checked on the row's columns, before decoding. Source: rules chapters 1.3
(relationship), 2.7 (INVALID_REQUEST_TYPE), 3.4 (versions).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from sqlalchemy import ClauseElement, Column, Table, bindparam, insert, select, update

from openers.domain.callers import Viewer
from openers.domain.errors import Field, InvalidRequestType, NoRelationship, NotFound, VersionConflict
from openers.domain.identifiers import NhsNumber, OdsCode, RequestId, Ubrn
from openers.store.engine.statements import Connection, Row, Statement, Value, decoder, encode, texts
from openers.store.engine.tables import history
from openers.usecases.ports.stored import Stored


class RequestValue(Protocol):
    """The fields that each request has."""

    @property
    def ubrn(self) -> Ubrn:
        """Return its UBRN."""
        ...

    @property
    def request_id(self) -> RequestId:
        """Return its unique id."""
        ...

    @property
    def patient(self) -> NhsNumber:
        """Return the patient's NHS number."""
        ...

    @property
    def owner(self) -> OdsCode:
        """Return the organisation that created it."""
        ...

    @property
    def workgroup(self) -> str | None:
        """Return the workgroup of the service that has it."""
        ...


T = TypeVar("T", bound=RequestValue)
_KEEP: Final = Statement(insert(history))


class RequestTable(Generic[T]):
    """The table of one kind of request, and its statements.

    `kind` is the name under which history stores earlier values. `columns` returns the changeable columns other than
    owner and workgroup.
    """

    def __init__(self, table: Table, of: type[T], kind: str, columns: Callable[[T], Mapping[str, Value]]) -> None:
        """Build the statements; refusals use `kind` too."""
        own = table.c
        fixed = {"ubrn", "request_id", "patient"}
        changing: dict[str, Any] = {each.name: bindparam(each.name) for each in own if each.name not in fixed}
        self.get = Statement(
            select(own.version, own.owner, own.workgroup, own.patient, own.body).where(own.ubrn == bindparam("of_ubrn"))
        )
        self.among = Statement(_among(table, own.ubrn), _among(table, own.ubrn, postgres=True))
        self.of_patient = Statement(_among(table, own.patient), _among(table, own.patient, postgres=True))
        self.known = Statement(_known(table), _known(table, postgres=True))
        self.add = Statement(insert(table))
        self.put = Statement(
            update(table).where(own.ubrn == bindparam("of_ubrn"), own.version == bindparam("was")).values(changing)
        )
        self.decoder: msgspec.json.Decoder[T] = decoder(of)
        self.kind, self.columns = kind, columns


def _among(table: Table, column: Column[str], *, postgres: bool = False) -> ClauseElement:
    """Return the query for the rows of `table` whose `column` is one of the keys."""
    own = table.c
    wanted = select(own.ubrn, own.version, own.owner, own.workgroup, own.patient, own.body)
    return wanted.where(column.in_(texts("keys", postgres=postgres)))


def _known(table: Table, *, postgres: bool = False) -> ClauseElement:
    """Return the query for owner, workgroup and patient of the requests of the patients in the keys."""
    own = table.c
    return select(own.owner, own.workgroup, own.patient).where(own.patient.in_(texts("keys", postgres=postgres)))


class SqlRequests(Generic[T]):
    """The `Requests` port over one connection."""

    __slots__ = ("_connection", "_of", "_other")
    first_version: int

    def __init__(self, connection: Connection, of: RequestTable[T], other: Statement) -> None:
        """Store `connection`, which is in a transaction that reads and writes; `other` selects the other kind."""
        self._connection, self._of, self._other = connection, of, other

    async def get(self, ubrn: Ubrn, by: Viewer, version: int | None = None) -> Stored[T]:
        """Return the request for `by`. Raises NotFound, NoRelationship, InvalidRequestType, VersionConflict."""
        row = await self._row(ubrn)
        if row is None:
            raise await self._absent(ubrn, by)
        if not _may_see(row, by):
            raise NoRelationship(Field.REFERRAL, ubrn)
        stored = self._stored(ubrn, row)
        if version is not None and version != stored.version:
            raise VersionConflict(version, stored.version)
        return stored

    async def find(self, ubrn: Ubrn, by: Viewer) -> Stored[T] | None:
        """Return the request, or `None` if there is none that `by` may see."""
        row = await self._row(ubrn)
        return self._stored(ubrn, row) if row is not None and _may_see(row, by) else None

    async def of_patient(self, patient: NhsNumber, by: Viewer) -> list[Stored[T]]:
        """Return the requests of a patient that `by` may see, in any order."""
        return await self._several(self._of.of_patient, [patient], by)

    async def among(self, ubrns: Sequence[Ubrn], by: Viewer) -> list[Stored[T]]:
        """Return the requests with these UBRNs that `by` may see, in any order."""
        return await self._several(self._of.among, ubrns, by)

    async def known(self, patients: Sequence[NhsNumber], by: Viewer) -> frozenset[NhsNumber]:
        """Return the patients that have a request which `by` may see."""
        rows = await self._connection.rows(self._of.known, {"keys": json.dumps(patients)}) if patients else []
        return frozenset(NhsNumber.restored(patient) for owner, group, patient in rows if by.may_see(owner, group))

    async def add(self, new: T, version: int | None = None) -> Stored[T]:
        """Store a new request under its kind's first version, or under `version`."""
        body, first = encode(new), version or self.first_version
        fixed = {"ubrn": new.ubrn, "request_id": new.request_id, "patient": new.patient}
        await self._connection.run(self._of.add, {**self._changing(new), **fixed, "version": first, "body": body})
        return Stored(new.ubrn, first, body, self._of.decoder, new.patient)

    async def put(self, old: Stored[T], new: T, steps: int = 1) -> Stored[T]:
        """Replace the value, raise the version by `steps`, and add the old value to history. Raises VersionConflict."""
        stored = await self._replace(old, new, old.version + steps)
        kept = {"kind": self._of.kind, "key": old.key, "version": old.version, "body": old.body}
        await self._connection.run(_KEEP, kept)
        return stored

    async def _replace(self, old: Stored[T], new: T, version: int) -> Stored[T]:
        """Replace the value under `version`. Raises VersionConflict."""
        body = encode(new)
        values = {"of_ubrn": old.key, "was": old.version, "version": version, "body": body}
        if not await self._connection.run(self._of.put, {**values, **self._changing(new)}):
            row = await self._row(new.ubrn)
            raise VersionConflict(old.version, row[0] if row else 0)
        return Stored(new.ubrn, version, body, self._of.decoder, new.patient)

    async def _several(self, statement: Statement, keys: Sequence[str], by: Viewer) -> list[Stored[T]]:
        rows = await self._connection.rows(statement, {"keys": json.dumps(keys)}) if keys else []
        return [self._stored(Ubrn.restored(row[0]), row[1:]) for row in rows if _may_see(row[1:], by)]

    async def _row(self, ubrn: Ubrn) -> Row | None:
        return await self._connection.row(self._of.get, {"of_ubrn": ubrn})

    async def _absent(self, ubrn: Ubrn, by: Viewer) -> Exception:
        """Return why there is no such request: the UBRN is unknown, hidden, or that of the other kind."""
        row = await self._connection.row(self._other, {"of_ubrn": ubrn})
        if row is None:
            return NotFound(Field.REFERRAL, ubrn)
        if not _may_see(row, by):
            return NoRelationship(Field.REFERRAL, ubrn)
        return InvalidRequestType(Field.REFERRAL, ubrn, f"is not that of a {self._of.kind}")

    def _changing(self, value: T) -> dict[str, Value]:
        return {"owner": value.owner, "workgroup": value.workgroup, **self._of.columns(value)}

    def _stored(self, ubrn: Ubrn, row: Row) -> Stored[T]:
        version, _, _, patient, body = row
        return Stored(ubrn, version, body, self._of.decoder, NhsNumber(patient))


def _may_see(row: Row, by: Viewer) -> bool:
    _, owner, workgroup, _, _ = row
    return by.may_see(owner, workgroup)
