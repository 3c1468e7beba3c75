"""Find the referral that somebody wants to read or change, under every rule on who may: one place for all.

The relationship and the version are asked of the store; here the finding is noted in the audit, a referral that
is being booked or cancelled is locked, and a patient must not be sensitive. Source: rules chapter 3.4.
"""

from __future__ import annotations

import msgspec

from openers.domain.errors import Field, NotFound, PatientError, RecordLocked
from openers.domain.identifiers import NhsNumber, Ubrn
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Which referral somebody wants to change, in the version that they have read."""

    by: Principal
    ubrn: Ubrn
    version: int

    async def find(self, tx: Tx) -> Stored[Referral]:
        """The referral. Raises NotFound, NoRelationship, VersionConflict."""
        return await tx.referrals.get(self.ubrn, self.by, self.version)


async def find_to_change(change: Change, world: World, tx: Tx) -> Stored[Referral]:
    """The referral, which nobody else is changing. Raises as `Change.find`, and RecordLocked, PatientError."""
    world.entry.touched(ubrn=change.ubrn)
    stored = await change.find(tx)
    world.entry.touched(patient=stored.patient)
    if await tx.claims.get(change.ubrn) is not None:
        raise RecordLocked
    await check_not_sensitive(stored.patient, world, tx)
    return stored


async def find_as_administrator(ubrn: Ubrn, world: World, tx: Tx) -> Stored[Referral]:
    """The referral, which nobody else is changing. Raises NotFound, RecordLocked."""
    world.entry.touched(ubrn=ubrn)
    stored = await tx.referrals.for_system(ubrn)
    if stored is None:
        raise NotFound(Field.REFERRAL, ubrn)
    world.entry.touched(patient=stored.patient)
    if await tx.claims.get(ubrn) is not None:
        raise RecordLocked
    return stored


async def check_not_sensitive(nhs_number: NhsNumber | None, world: World, tx: Tx) -> None:
    """Raise PatientError if the patient's record has become sensitive; asked at each call, never remembered."""
    await usable_patient(nhs_number, world, tx)


async def usable_patient(nhs_number: NhsNumber | None, world: World, tx: Tx) -> Patient:
    """The patient. Raises PatientError: the record is sensitive or can't be found."""
    patient = None if nhs_number is None else await world.patients.get(nhs_number, tx)
    if patient is None or patient.sensitive:
        raise PatientError(Field.PATIENT, nhs_number)
    return patient
