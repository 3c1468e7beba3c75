"""The patients of a world, and the patient source that reads them. Elsewhere PDS implements the same port."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Final

from sqlalchemy import ClauseElement, Select, bindparam, exists, func, literal_column, select

from openers.domain.identifiers import NhsNumber
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import Patient
from openers.store.engine.statements import Connection, Statement, decoder, texts
from openers.store.engine.tables import patients
from openers.store.registers.registers import SqlRegisters
from openers.usecases.ports.transaction import Tx


def _unusable(*, postgres: bool = False) -> Select[str]:
    """Return the query for requested numbers without a usable record; it reads only the index."""
    asked = texts("numbers", postgres=postgres).subquery("asked")
    found = exists().where(patients.c.nhs_number == asked.c.value, patients.c.sensitive == literal_column("0"))
    return select(asked.c.value).where(~found)


def _usable(*, postgres: bool = False) -> ClauseElement:
    """Return the query that counts requested numbers with a usable record."""
    asked = patients.c.nhs_number.in_(texts("numbers", postgres=postgres))
    return select(func.count()).select_from(patients).where(asked, patients.c.sensitive == literal_column("0"))


_GET: Final = Statement(select(patients.c.body).where(patients.c.nhs_number == bindparam("key")))
_USABLE: Final = Statement(_usable(), _usable(postgres=True))
_UNUSABLE: Final = Statement(_unusable(), _unusable(postgres=True))
_FIND: Final = Statement(
    select(patients.c.body)
    .where(
        patients.c.born == bindparam("of_born"),
        patients.c.sensitive == literal_column("0"),
    )
    .order_by(patients.c.nhs_number)
)
_decoder: Final = decoder(Patient)


class SqlPatients:
    """The `Patients` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, nhs_number: NhsNumber) -> Patient | None:
        """Return the patient with this number."""
        row = await self._connection.row(_GET, {"key": nhs_number})
        if row is None:
            return None
        return _decoder.decode(row[0])

    async def find(self, search: PatientSearch, most: int) -> Sequence[Patient]:
        """Return the first `most` patients who fit, without sensitive ones, sorted by number."""
        rows = await self._connection.rows(_FIND, {"of_born": search.born.isoformat()})
        found = (_decoder.decode(row[0]) for row in rows)
        return list(islice((each for each in found if search.fits(each)), most))

    async def put(self, patient: Patient) -> None:
        """Add or replace a patient."""
        await SqlRegisters(self._connection).patients.put(patient)

    async def unusable(self, numbers: Collection[NhsNumber]) -> frozenset[NhsNumber]:
        """Return the numbers whose records are sensitive or missing."""
        asked = {"numbers": json.dumps(list(frozenset(numbers)))}
        row = await self._connection.row(_USABLE, asked)
        if row is not None and row[0] == len(frozenset(numbers)):  # the usual case, and three times as fast
            return frozenset()
        return frozenset(NhsNumber.restored(row[0]) for row in await self._connection.rows(_UNUSABLE, asked))


class OwnPatients:
    """The patient source of a world that stores its own patients."""

    async def get(self, nhs_number: NhsNumber, tx: Tx) -> Patient | None:
        """Return the patient with this number."""
        return await tx.patients.get(nhs_number)

    async def find(self, search: PatientSearch, most: int, tx: Tx) -> Sequence[Patient]:
        """Return the first `most` patients who fit, without sensitive ones, sorted by number."""
        return await tx.patients.find(search, most)

    async def unusable(self, numbers: Collection[NhsNumber], tx: Tx) -> frozenset[NhsNumber]:
        """Return the numbers whose records are sensitive or missing."""
        return await tx.patients.unusable(numbers)
