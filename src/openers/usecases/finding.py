"""Find the referral that somebody wants to read or change, under every rule on who may: one place for all.

The relationship and the version are asked of the store; here the finding is noted in the audit, a referral that
is being booked or cancelled is locked, and a patient must not be sensitive. Source: rules chapter 3.4.
"""

from __future__ import annotations

import msgspec

from openers.domain.callers import SYSTEM, Pas
from openers.domain.errors import Field, NotFound, PatientError, RecordLocked
from openers.domain.identifiers import NhsNumber, Ubrn
from openers.domain.patient import Patient
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


class ReferralChange(msgspec.Struct, frozen=True, kw_only=True):
    """Which referral somebody wants to change, in the version that they have read."""

    by: Principal
    ubrn: Ubrn
    version: int

    async def find(self, tx: Tx) -> Stored[Referral]:
        """The referral. Raises NotFound, NoRelationship, VersionConflict."""
        return await tx.referrals.get(self.ubrn, self.by, self.version)


async def find_to_change(change: ReferralChange, world: World, tx: Tx) -> Stored[Referral]:
    """The referral, which nobody else is changing. Raises as `ReferralChange.find`, and RecordLocked, PatientError."""
    world.entry.touched(ubrn=change.ubrn)
    stored = await change.find(tx)
    await _check_unclaimed(stored, world, tx)
    await check_not_sensitive(stored.patient, world, tx)
    return stored


async def find_as_system(ubrn: Ubrn, world: World, tx: Tx) -> Stored[Referral]:
    """The referral that an operator changes, which nobody else is changing. Raises NotFound, RecordLocked."""
    world.entry.touched(ubrn=ubrn)
    stored = await tx.referrals.find(ubrn, SYSTEM)
    if stored is None:
        raise NotFound(Field.REFERRAL, ubrn)
    await _check_unclaimed(stored, world, tx)
    return stored


async def find_booking(ubrn: Ubrn, key: str, by: Pas, tx: Tx) -> Stored[Referral] | None:
    """The referral whose appointment the PAS `by` holds under `key`; `None` for every other one."""
    stored = await tx.referrals.find(ubrn, SYSTEM)
    appointment = None if stored is None else stored.value.appointment
    if appointment is None or appointment.booking_key != key:
        return None
    return stored if by.may_see(await tx.links.get(appointment.service.id)) else None


async def _check_unclaimed(stored: Stored[Referral], world: World, tx: Tx) -> None:
    """Note whose referral was found. Raise RecordLocked while a PAS is asked to book or to cancel for it."""
    world.entry.touched(patient=stored.patient)
    if await tx.claims.get(Ubrn(stored.key)) is not None:
        raise RecordLocked


async def check_not_sensitive(nhs_number: NhsNumber | None, world: World, tx: Tx) -> None:
    """Raise PatientError if the patient's record has become sensitive; asked at each call, never remembered."""
    await usable_patient(nhs_number, world, tx)


async def usable_patient(nhs_number: NhsNumber | None, world: World, tx: Tx) -> Patient:
    """The patient. Raises PatientError: the record is sensitive or can't be found."""
    patient = None if nhs_number is None else await world.patients.get(nhs_number, tx)
    if patient is None or patient.sensitive:
        raise PatientError(Field.PATIENT, nhs_number)
    return patient
