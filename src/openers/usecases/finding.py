"""Find the referral that a caller wants to read or change, and apply the access rules, in one place for all use cases.

The store checks the relationship and the version. This module records the access in the audit entry. It refuses
referrals with a booking or cancellation in progress, and sensitive patients. Source: rules chapter 3.4.
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
    """The referral to change, in the version that the caller has read."""

    by: Principal
    ubrn: Ubrn
    version: int

    async def find(self, tx: Tx) -> Stored[Referral]:
        """Return the referral. Raises NotFound, NoRelationship, VersionConflict."""
        return await tx.referrals.get(self.ubrn, self.by, self.version)


async def find_to_change(change: ReferralChange, world: World, tx: Tx) -> Stored[Referral]:
    """Return an unclaimed referral. Raises as `ReferralChange.find`, and RecordLocked, PatientError."""
    world.entry.touched(ubrn=change.ubrn)
    stored = await change.find(tx)
    await _check_unclaimed(stored, world, tx)
    await check_not_sensitive(stored.patient, world, tx)
    return stored


async def find_as_system(ubrn: Ubrn, world: World, tx: Tx) -> Stored[Referral]:
    """Return an unclaimed referral for an operator to change. Raises NotFound, RecordLocked."""
    world.entry.touched(ubrn=ubrn)
    stored = await tx.referrals.find(ubrn, SYSTEM)
    if stored is None:
        raise NotFound(Field.REFERRAL, ubrn)
    await _check_unclaimed(stored, world, tx)
    return stored


async def find_booking(ubrn: Ubrn, key: str, by: Pas, tx: Tx) -> Stored[Referral] | None:
    """Return the referral whose appointment the PAS `by` holds under `key`; otherwise `None`."""
    stored = await tx.referrals.find(ubrn, SYSTEM)
    appointment = None if stored is None else stored.value.appointment
    if appointment is None or appointment.booking_key != key:
        return None
    return stored if by.may_see(await tx.links.get(appointment.service.id)) else None


async def _check_unclaimed(stored: Stored[Referral], world: World, tx: Tx) -> None:
    """Record the patient for the audit. Raise RecordLocked during a call to the PAS about this referral."""
    world.entry.touched(patient=stored.patient)
    if await tx.claims.get(Ubrn(stored.key)) is not None:
        raise RecordLocked


async def check_not_sensitive(nhs_number: NhsNumber | None, world: World, tx: Tx) -> None:
    """Raise PatientError if the patient's record is now sensitive; checked at each call, never cached."""
    await usable_patient(nhs_number, world, tx)


async def usable_patient(nhs_number: NhsNumber | None, world: World, tx: Tx) -> Patient:
    """Return the patient. Raises PatientError if the record is sensitive or cannot be found."""
    patient = None if nhs_number is None else await world.patients.get(nhs_number, tx)
    if patient is None or patient.sensitive:
        raise PatientError(Field.PATIENT, nhs_number)
    return patient
