"""Find patients to refer (X004): by NHS number, or by family name and date of birth. Source: ADR 0054."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from openers.domain.errors import Field, FieldNotPermitted, MissingValue
from openers.domain.identifiers import NhsNumber
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import Patient
from openers.usecases.finding import usable_patient
from openers.usecases.world import World

MOST: Final = 50
"""Maximum number of patients in a result, as for a member of staff at PDS."""


class FindPatients(msgspec.Struct, frozen=True, kw_only=True):
    """Either a number or demographics."""

    nhs_number: NhsNumber | None = None
    search: PatientSearch | None = None


class FoundPatients(msgspec.Struct, frozen=True, kw_only=True):
    """The patients found; `complete` is false if there are more than `MOST`."""

    patients: Sequence[Patient]
    complete: bool = True


async def find_patients(query: FindPatients, world: World) -> FoundPatients:
    """Return the patients that fit, without sensitive ones. Raises MissingValue, FieldNotPermitted, PatientError."""
    async with world.read() as tx:
        if query.nhs_number is not None:
            if query.search is not None:
                raise FieldNotPermitted(Field.PATIENT, hint="cannot be combined with demographics; send one of them")
            world.entry.touched(patient=query.nhs_number)
            return FoundPatients(patients=[await usable_patient(query.nhs_number, world, tx)])
        if query.search is None:
            raise MissingValue(Field.PATIENT, hint="send patient, or familyName and birthDate")
        found = await world.patients.find(query.search, MOST + 1, tx)
    return FoundPatients(patients=found[:MOST], complete=len(found) <= MOST)
