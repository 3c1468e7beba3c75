"""Read a referral (A005). Only its latest version can be read. Source: rules chapters 3.4 and 4 (A005)."""

from __future__ import annotations

import msgspec

from openers.domain.errors import Field, HistoryNotSupported, PatientError
from openers.domain.identifiers import NhsNumber, Ubrn
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports import Stored, Tx
from openers.usecases.world import World


class ReadReferral(msgspec.Struct, frozen=True):
    """Which referral, for whom; `version` where a particular one is asked for."""

    ubrn: Ubrn
    by: Principal
    version: int | None = None


async def read_referral(query: ReadReferral, world: World) -> Stored[Referral]:
    """The referral. Raises NotFound, NoRelationship, PatientError, HistoryNotSupported."""
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        referral = await tx.referrals.get(query.ubrn, query.by)
        world.entry.touched(patient=referral.patient)
        await check_not_sensitive(referral.patient, world, tx)
    if query.version is not None and query.version != referral.version:
        raise HistoryNotSupported(query.version, referral.version)
    return referral


async def check_not_sensitive(nhs_number: NhsNumber | None, world: World, tx: Tx) -> None:
    """Raise PatientError if the patient's record has become sensitive; asked at each call, never remembered."""
    await usable_patient(nhs_number, world, tx)


async def usable_patient(nhs_number: NhsNumber | None, world: World, tx: Tx) -> Patient:
    """The patient. Raises PatientError: the record is sensitive or can't be found."""
    patient = None if nhs_number is None else await world.patients.get(nhs_number, tx)
    if patient is None or patient.sensitive:
        raise PatientError(Field.PATIENT, nhs_number)
    return patient
