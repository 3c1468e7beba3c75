"""The mirror of PDS in SQL: one row for each number that PDS was asked for, beside its record in `patients`."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Select, Table, bindparam, exists, func, or_, select, union

from openers.domain.clock import Instant
from openers.domain.identifiers import NhsNumber
from openers.domain.patient import MirrorState
from openers.store.engine.statements import Connection, Statement, decoder, encode, micros, texts, upsert
from openers.store.engine.tables import conversations, patient_mirror, referrals


def _overdue(table: Table, is_open: ColumnElement[bool]) -> Select[str]:
    """Return the query for patients of open requests in a table for whom PDS was not asked since `before`."""
    own = patient_mirror.c
    recent = exists().where(own.nhs_number == table.c.patient, own.asked >= bindparam("before"))
    return select(table.c.patient.label("patient")).where(is_open, ~recent)


def _among(*, postgres: bool) -> Select[bytes]:
    """Return the query for what PDS said of the numbers in `keys`."""
    return select(patient_mirror.c.body).where(patient_mirror.c.nhs_number.in_(texts("keys", postgres=postgres)))


_LISTS: Final = (referrals.c.provider_list, referrals.c.referrer_list, referrals.c.letter_list)
_listed: Final = or_(*(each.is_not(None) for each in _LISTS))
_of_open: Final = union(_overdue(referrals, _listed), _overdue(conversations, conversations.c.listed == 1)).subquery()
_GET: Final = Statement(select(patient_mirror.c.body).where(patient_mirror.c.nhs_number == bindparam("key")))
_SEVERAL: Final = Statement(_among(postgres=False), _among(postgres=True))
_PUT: Final = upsert(patient_mirror)
_asked: Final = func.coalesce(patient_mirror.c.asked, 0)
_OVERDUE: Final = Statement(
    select(_of_open.c.patient)
    .outerjoin(patient_mirror, patient_mirror.c.nhs_number == _of_open.c.patient)
    .order_by(_asked, _of_open.c.patient)
    .limit(bindparam("most"))
)
_state: Final = decoder(MirrorState)


class SqlPatientMirror:
    """The `PatientMirror` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, number: NhsNumber) -> MirrorState | None:
        """Return what PDS said of a number; `None` if it was never asked."""
        row = await self._connection.row(_GET, {"key": number})
        return None if row is None else _state.decode(row[0])

    async def several(self, numbers: Collection[NhsNumber]) -> Sequence[MirrorState]:
        """Return what PDS said of those of the numbers for which it was asked, in any order."""
        rows = await self._connection.rows(_SEVERAL, {"keys": json.dumps(list(numbers))})
        return [_state.decode(row[0]) for row in rows]

    async def put(self, state: MirrorState) -> None:
        """Add or replace what PDS said of a number."""
        row = {"nhs_number": state.nhs_number, "asked": micros(state.asked), "body": encode(state)}
        await self._connection.run(_PUT, row)

    async def overdue(self, before: Instant, most: int) -> Sequence[NhsNumber]:
        """Return at most `most` numbers of patients on a worklist for whom PDS was not asked since `before`.

        Those who were asked for longest ago, or never, come first.
        """
        rows = await self._connection.rows(_OVERDUE, {"before": micros(before), "most": most})
        return [NhsNumber.restored(row[0]) for row in rows]
