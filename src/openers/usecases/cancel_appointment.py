"""Cancel a booked appointment (A034), with the PAS told first: a saga like booking.

Source: rules chapter 4 (A034), 11.2 row 21.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.domain.appointment import Appointment, AppointmentStatus, CancellationReason
from openers.domain.booking import Claim, ClaimKind, PasLink
from openers.domain.codes import CodeSystemName, Concept
from openers.domain.errors import (
    Field,
    InappropriateValue,
    InvalidRequestState,
    InvalidValue,
    MissingValue,
    PasNotResponding,
    PasRefused,
    PasRespondedWithError,
    PasSilent,
    RecordLocked,
    UnableToCancelAppointment,
    VersionConflict,
)
from openers.domain.identifiers import AppointmentId
from openers.domain.lifecycle import Act, after
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.domain.slots import SlotState
from openers.usecases.book_appointment import SETTLE
from openers.usecases.events import happened
from openers.usecases.ports import Stored, Tx
from openers.usecases.read_referral import check_not_sensitive
from openers.usecases.world import World

_DEED: Final = "cancel booking of"


class CancelAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """Which appointment, in which version of its own, why, by whom."""

    by: Principal
    appointment: AppointmentId
    version: int
    reason: str | None
    comment: str | None


async def cancel_appointment(command: CancelAppointment, world: World) -> Stored[Referral]:
    """Cancel, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked, PasRespondedWithError,
    PasNotResponding (settled later).
    """
    claim, link = await _reserve(command, world)
    if claim.pas_appointment is None:
        raise RuntimeError("a cancellation claim names the booking in the PAS")
    try:
        await world.pas.cancel(link, claim.pas_appointment, claim.reason)
    except PasRefused as error:
        await release_cancellation(claim, world)
        raise PasRespondedWithError(_DEED, claim.slot, claim.ubrn) from error
    except PasSilent as error:
        if not error.sent:
            await release_cancellation(claim, world)
        raise PasNotResponding(_DEED, claim.slot, claim.ubrn) from error
    confirmed = await confirm_cancellation(claim, world)
    if confirmed is None:
        raise UnableToCancelAppointment(Field.APPOINTMENT, claim.appointment, "was settled otherwise meanwhile")
    return confirmed


async def _reserve(command: CancelAppointment, world: World) -> tuple[Claim, PasLink]:
    """First step: claim the referral."""
    reason = _reason(command, world)
    async with world.read() as tx:
        ubrn = (await tx.referrals.of_appointment(command.appointment, command.by)).value.ubrn
    async with world.begin("claim for cancellation", lock=(ubrn,)) as tx:
        referral = await tx.referrals.of_appointment(command.appointment, command.by)
        world.entry.touched(ubrn=ubrn, patient=referral.patient)
        await check_not_sensitive(referral.patient, world, tx)
        appointment = _current(referral.value, command)
        after(referral.value.state, Act.CANCEL_APPOINTMENT)
        link = await tx.links.get(appointment.service.id)
        if link is None or appointment.slot is None or appointment.pas_id is None:
            raise InvalidRequestState(Field.APPOINTMENT, command.appointment, "is not booked through e-RS")
        claim = Claim(
            ubrn=ubrn,
            key=str(world.ids.uuid()),
            kind=ClaimKind.CANCEL,
            by=command.by,
            service=appointment.service.id,
            slot=appointment.slot,
            appointment=appointment.id,
            taken=world.clock.now(),
            expires=world.clock.now() + world.pas.awaited,
            pas_appointment=appointment.pas_id,
            reason=reason.code,
            comment=command.comment,
        )
        if not await tx.claims.add(claim):
            raise RecordLocked
        await tx.due.add(SETTLE, claim.ubrn, claim.expires)
        return claim, link


def _current(referral: Referral, command: CancelAppointment) -> Appointment:
    """The appointment in the version that the caller knows. Raises VersionConflict."""
    appointment = referral.appointment
    if appointment is None:
        raise InvalidRequestState(Field.APPOINTMENT, command.appointment, "is not current")
    if appointment.version != command.version:
        raise VersionConflict(command.version, appointment.version)
    return appointment


def _reason(command: CancelAppointment, world: World) -> Concept:
    """The reason, which this caller may give for a cancellation. Raises a `FieldRefused`.

    A reason for which referrals are cancelled is known, and wrong here (rules 11.2 row 21).
    """
    if command.reason is None:
        raise MissingValue(Field.REASON)
    reasons = world.reference.code_system(CodeSystemName.APPOINTMENT_CANCELLATION_REASON).concepts
    others = world.reference.code_system(CodeSystemName.REFERRAL_CANCELLATION_REASON).concepts
    reason = reasons.get(command.reason)
    if reason is None and command.reason not in others:
        raise InvalidValue(Field.REASON, command.reason, "is not known; see APPOINTMENT-CANCELLATION-REASON (A004)")
    if reason is None or not _is_for_cancelling(reason, command, world):
        raise InappropriateValue(Field.REASON, None, "The reason provided is not valid in this case")
    if True in reason.values("commentIsMandatory") and not command.comment:
        raise MissingValue(Field.COMMENT)
    return reason


def _is_for_cancelling(reason: Concept, command: CancelAppointment, world: World) -> bool:
    return (
        "CANCEL" in reason.values("usage")
        and command.by.function in reason.values("businessFunction")
        and reason.effective_on(world.clock.now().date())
    )


async def confirm_cancellation(claim: Claim, world: World) -> Stored[Referral] | None:
    """Last step: the PAS has cancelled, so the referral says so. `None` if somebody else has settled the claim."""
    async with world.begin("confirm cancellation", lock=(claim.ubrn, f"slot/{claim.slot}")) as tx:
        if not await tx.claims.release(claim):
            return None
        return await _cancelled(claim, world, tx)


async def _cancelled(claim: Claim, world: World, tx: Tx) -> Stored[Referral]:
    old = await tx.referrals.get(claim.ubrn, claim.by)
    appointment = old.value.appointment
    if appointment is None or claim.reason is None:
        raise RuntimeError("a claimed referral keeps its appointment")
    ended = appointment.ended(AppointmentStatus.CANCELLED, CancellationReason(claim.reason), claim.comment)
    stored = await tx.referrals.put(old, old.value.change_appointment(Act.CANCEL_APPOINTMENT, ended))
    await tx.slots.move(claim.slot, SlotState.BOOKED, SlotState.FREE)
    world.entry.touched(ubrn=claim.ubrn, patient=old.patient)
    await happened(tx, world, Act.CANCEL_APPOINTMENT, stored)
    return stored


async def release_cancellation(claim: Claim, world: World) -> None:
    """The PAS has not cancelled: the booking stands, and the referral is free again."""
    async with world.begin("release cancellation", lock=(claim.ubrn,)) as tx:
        await tx.claims.release(claim)
        world.entry.touched(ubrn=claim.ubrn)
