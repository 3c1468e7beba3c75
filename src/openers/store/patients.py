"""The world's own patients, and the patient source that reads them; elsewhere PDS stands behind the same port."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select

from openers.domain.identifiers import NhsNumber
from openers.domain.patient import Patient
from openers.store.statements import Connection, Statement, decoder, encode, upsert
from openers.store.tables import patients
from openers.usecases.ports import Tx

_GET: Final = Statement(select(patients.c.body).where(patients.c.nhs_number == bindparam("key")))
_PUT: Final = upsert(patients)
_decoder: Final = decoder(Patient)


class SqlPatients:
    """The `Patients` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """`connection` is in the transaction that reads and writes."""
        self._connection = connection

    async def get(self, nhs_number: NhsNumber) -> Patient | None:
        """The patient with this number."""
        row = await self._connection.row(_GET, {"key": nhs_number})
        if row is None:
            return None
        return _decoder.decode(row[0])

    async def put(self, patient: Patient) -> None:
        """Add or replace."""
        await self._connection.run(_PUT, {"nhs_number": patient.nhs_number, "body": encode(patient)})


class OwnPatients:
    """The patient source of a world that keeps its patients itself."""

    async def get(self, nhs_number: NhsNumber, tx: Tx) -> Patient | None:
        """The patient with this number."""
        return await tx.patients.get(nhs_number)
