"""Referrals in SQL. Existence, relationship and version are checked on the row's columns, before decoding.

Source: rules chapters 1.3 (relationship), 3.4 (versions).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ClauseElement, bindparam, insert, select, update

from openers.domain.errors import Field, NoRelationship, NotFound, VersionConflict
from openers.domain.identifiers import AppointmentId, NhsNumber, Ubrn
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.store.statements import Connection, Row, Statement, Value, decoder, encode, texts
from openers.store.tables import history, referrals
from openers.store.worklist_columns import LISTED, listing_of
from openers.usecases.ports import Stored

FIRST_VERSION: Final = 3
"""Version of a new referral. The real service has made two inner steps by then (rules 3.1: A011 answers version 3)."""

KIND: Final = "referral"
"""What a referral's earlier values are kept as."""

_columns = referrals.c


def _several(*, postgres: bool = False) -> ClauseElement:
    asked = texts("ubrns", postgres=postgres)
    row = (_columns.ubrn, _columns.version, _columns.owner, _columns.workgroup, _columns.patient, _columns.body)
    return select(*row).where(_columns.ubrn.in_(asked))


_GET: Final = Statement(
    select(_columns.version, _columns.owner, _columns.workgroup, _columns.patient, _columns.body).where(
        _columns.ubrn == bindparam("ubrn")
    )
)
_BY_APPOINTMENT: Final = Statement(select(_columns.ubrn).where(_columns.appointment == bindparam("appointment_id")))
_ADD: Final = Statement(insert(referrals))
_PUT: Final = Statement(
    update(referrals)
    .where(_columns.ubrn == bindparam("key"), _columns.version == bindparam("old"))
    .values(
        version=bindparam("version"),
        owner=bindparam("owner"),
        workgroup=bindparam("workgroup"),
        body=bindparam("body"),
        appointment=bindparam("appointment"),
        slot=bindparam("slot"),
        **{name: bindparam(name) for name in LISTED},
    )
)
_SEVERAL: Final = Statement(_several(), _several(postgres=True))
_KEEP: Final = Statement(insert(history))
_decoder: Final = decoder(Referral)


class SqlReferrals:
    """The `Referrals` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """`connection` is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, ubrn: Ubrn, by: Principal, version: int | None = None) -> Stored[Referral]:
        """The referral, for `by`. Raises NotFound, NoRelationship, VersionConflict."""
        row = await self._connection.row(_GET, {"ubrn": ubrn})
        if row is None:
            raise NotFound(Field.REFERRAL, ubrn)
        if not _may_see(row, by):
            raise NoRelationship(Field.REFERRAL, ubrn)
        stored = _stored(ubrn, row)
        if version is not None and version != stored.version:
            raise VersionConflict(version, stored.version)
        return stored

    async def for_system(self, ubrn: Ubrn) -> Stored[Referral] | None:
        """The referral, for work that the service does by itself, without a principal."""
        row = await self._connection.row(_GET, {"ubrn": ubrn})
        return None if row is None else _stored(ubrn, row)

    async def booked(self, ubrn: Ubrn, key: str) -> Stored[Referral] | None:
        """The referral whose appointment was booked under `key`, for its own PAS, which has no principal."""
        stored = await self.for_system(ubrn)
        appointment = None if stored is None else stored.value.appointment
        return stored if appointment is not None and appointment.booking_key == key else None

    async def of_appointment(self, appointment: AppointmentId, by: Principal) -> Stored[Referral]:
        """The referral whose current appointment this is, for `by`. Raises NotFound, NoRelationship."""
        row = await self._connection.row(_BY_APPOINTMENT, {"appointment_id": int(appointment)})
        if row is None:
            raise NotFound(Field.APPOINTMENT, appointment)
        return await self.get(Ubrn(row[0]), by)

    async def find(self, ubrn: Ubrn, by: Principal) -> Stored[Referral] | None:
        """The referral, or `None` if there is none that `by` may see."""
        row = await self._connection.row(_GET, {"ubrn": ubrn})
        return _stored(ubrn, row) if row is not None and _may_see(row, by) else None

    async def several(self, ubrns: Sequence[Ubrn]) -> Sequence[Stored[Referral]]:
        """Those of the referrals that exist, in any order."""
        rows = await self._connection.rows(_SEVERAL, {"ubrns": json.dumps(ubrns)}) if ubrns else []
        return [_stored(Ubrn.restored(row[0]), row[1:]) for row in rows]

    async def add(self, referral: Referral) -> Stored[Referral]:
        """Store a new referral under its first version."""
        return await self.add_as(referral, FIRST_VERSION)

    async def add_as(self, referral: Referral, version: int) -> Stored[Referral]:
        """Store a referral that is not there yet in this version."""
        body = encode(referral)
        row = {**_columns_of(referral), "ubrn": referral.ubrn, "request_id": referral.request_id, "body": body}
        await self._connection.run(_ADD, {**row, "version": version, "patient": referral.patient})
        return Stored(referral.ubrn, version, body, _decoder, referral.patient)

    async def put(self, old: Stored[Referral], new: Referral) -> Stored[Referral]:
        """Replace the value, raise the version, keep the old value in history. Raises VersionConflict."""
        stored = await self._replace(old, new, old.version + 1)
        await self._connection.run(_KEEP, {"kind": KIND, "key": old.key, "version": old.version, "body": old.body})
        return stored

    async def amend(self, old: Stored[Referral], new: Referral) -> Stored[Referral]:
        """Replace the value under the same version. Raises VersionConflict."""
        return await self._replace(old, new, old.version)

    async def _replace(self, old: Stored[Referral], new: Referral, version: int) -> Stored[Referral]:
        body = encode(new)
        values = {"key": old.key, "old": old.version, "version": version, "body": body}
        if not await self._connection.run(_PUT, {**values, **_columns_of(new)}):
            row = await self._connection.row(_GET, {"ubrn": old.key})
            raise VersionConflict(old.version, row[0] if row else 0)
        return Stored(new.ubrn, version, body, _decoder, new.patient)

    async def next_ubrn(self) -> Ubrn:
        """A UBRN that was never given before."""
        return Ubrn.of(await self._connection.next_number("ubrn"))

    async def next_appointment_id(self) -> AppointmentId:
        """An appointment id that was never given before."""
        return AppointmentId(str(await self._connection.next_number("appointment")))


def _columns_of(referral: Referral) -> dict[str, Value]:
    """The columns that follow from the value and can change."""
    appointment = referral.appointment
    slot = None if appointment is None or appointment.slot is None else int(appointment.slot)
    return {
        **listing_of(referral),
        "owner": referral.owner,
        "workgroup": referral.workgroup,
        "appointment": None if appointment is None else int(appointment.id),
        "slot": slot,
    }


def _stored(ubrn: Ubrn, row: Row) -> Stored[Referral]:
    version, _, _, patient, body = row
    return Stored(ubrn, version, body, _decoder, NhsNumber(patient))


def _may_see(row: Row, by: Principal) -> bool:
    _, owner, workgroup, _, _ = row
    return by.may_see(owner, workgroup)
