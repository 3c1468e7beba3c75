"""Referrals in SQL. `requests.py` has the code that they share with requests for advice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ClauseElement, bindparam, select

from openers.domain.errors import Field, NotFound
from openers.domain.identifiers import AppointmentId, NhsNumber, Ubrn
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.store.engine.statements import Connection, Statement, texts
from openers.store.engine.tables import referrals
from openers.store.records.request_tables import CONVERSATIONS, REFERRALS
from openers.store.records.requests import SqlRequests
from openers.usecases.ports.stored import Stored

FIRST_VERSION: Final = 3
"""Version of a new referral, after two internal steps of the real service (rules 3.1: A011 answers version 3)."""

_BY_APPOINTMENT: Final = Statement(
    select(referrals.c.ubrn).where(referrals.c.appointment == bindparam("appointment_id"))
)


def _several(*, postgres: bool = False) -> ClauseElement:
    own = referrals.c
    return select(own.ubrn, own.version, own.patient, own.body).where(own.ubrn.in_(texts("ubrns", postgres=postgres)))


_SEVERAL: Final = Statement(_several(), _several(postgres=True))


class SqlReferrals(SqlRequests[Referral]):
    """The `Referrals` port over one connection."""

    __slots__ = ()
    first_version = FIRST_VERSION

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        super().__init__(connection, REFERRALS, CONVERSATIONS.get)

    async def of_appointment(self, appointment: AppointmentId, by: Principal) -> Stored[Referral]:
        """Return the referral with this current appointment, for `by`. Raises NotFound, NoRelationship."""
        row = await self._connection.row(_BY_APPOINTMENT, {"appointment_id": int(appointment)})
        if row is None:
            raise NotFound(Field.APPOINTMENT, appointment)
        return await self.get(Ubrn(row[0]), by)

    async def several(self, ubrns: Sequence[Ubrn]) -> Sequence[Stored[Referral]]:
        """Return the referrals that exist, in any order."""
        rows = await self._connection.rows(_SEVERAL, {"ubrns": json.dumps(ubrns)}) if ubrns else []
        return [
            Stored(ubrn, version, body, REFERRALS.decoder, NhsNumber(patient)) for ubrn, version, patient, body in rows
        ]

    async def amend(self, old: Stored[Referral], new: Referral) -> Stored[Referral]:
        """Replace the value without a new version. Raises VersionConflict."""
        return await self._replace(old, new, old.version)

    async def next_ubrn(self) -> Ubrn:
        """Return a new UBRN, never used before."""
        return Ubrn.of(await self._connection.next_number("ubrn"))

    async def next_appointment_id(self) -> AppointmentId:
        """Return a new appointment id, never used before."""
        return AppointmentId(str(await self._connection.next_number("appointment")))
