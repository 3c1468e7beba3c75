"""Find patients to refer (X004): by NHS number, or by family name and date of birth. Source: ADR 0054."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from openers.domain.errors import Field, FieldNotPermitted, MissingValue, PatientError, ReferenceNotFound
from openers.domain.identifiers import NhsNumber
from openers.domain.overview.patient_search import PatientSearch
from openers.domain.patient import Patient, Standing
from openers.usecases.finding import usable_patient
from openers.usecases.patients.refresh import current_number, search_first
from openers.usecases.ports.transaction import Tx
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
    """Return the patients that fit, without sensitive ones.

    Raises MissingValue, FieldNotPermitted, PatientError, NeighbourSilent.
    """
    if query.nhs_number is not None:
        if query.search is not None:
            raise FieldNotPermitted(Field.PATIENT, hint="cannot be combined with demographics; send one of them")
        return await _with_number(query.nhs_number, world)
    if query.search is None:
        raise MissingValue(Field.PATIENT, hint="send patient, or familyName and birthDate")
    complete = await search_first(query.search, world)
    async with world.read() as tx:
        found = await world.patients.find(query.search, MOST + 1, tx)
        present = await _with_present_numbers(found[:MOST], tx)
    world.entry.showed(each.nhs_number for each in present)
    return FoundPatients(patients=present, complete=complete and len(found) <= MOST)


async def _with_number(number: NhsNumber, world: World) -> FoundPatients:
    """Return the patient with a number, or with the one that has replaced it. Raises PatientError, NeighbourSilent."""
    world.entry.touched(patient=number)
    try:
        number = await current_number(number, world)
    except ReferenceNotFound as error:
        raise PatientError(Field.PATIENT, number) from error
    world.entry.touched(patient=number)
    async with world.read() as tx:
        return FoundPatients(patients=[await usable_patient(number, world, tx)])


async def _with_present_numbers(patients: Sequence[Patient], tx: Tx) -> list[Patient]:
    """Return those of the patients whose number PDS, if it was asked, has neither replaced nor withdrawn."""
    states = await tx.mirror.several([each.nhs_number for each in patients])
    old = {each.nhs_number for each in states if each.standing is not Standing.CURRENT}
    return [each for each in patients if each.nhs_number not in old]
