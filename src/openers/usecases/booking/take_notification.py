"""Notifications from a PAS: cancelled, moved, arrived, did not attend. Source: rules chapters 3.1 and 7.

A repeated notification changes nothing. One that matches no current booking is accepted without effect, so that the PAS
need not send it again.
"""

from __future__ import annotations

import msgspec

from openers.domain.appointment import Appointment, AppointmentStatus, CancellationReason
from openers.domain.booking import PasAppointment
from openers.domain.callers import Pas
from openers.domain.codes import CodeSystemName
from openers.domain.errors import Field, InvalidCode, RecordLocked, Unavailable
from openers.domain.identifiers import SlotId, Ubrn
from openers.domain.lifecycle import Act, ReferralState
from openers.domain.referral import Referral
from openers.domain.slots import SlotState
from openers.usecases.events.recording import record_event
from openers.usecases.finding import find_booking
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A notification from the PAS `by` about one booking."""

    by: Pas
    ubrn: Ubrn
    appointment: PasAppointment


async def take_notification(told: Notification, world: World) -> bool:
    """Apply the notification; return whether it changed anything. Raises InvalidCode, RecordLocked, Unavailable."""
    world.entry.touched(ubrn=told.ubrn)
    async with world.begin("take notification of PAS", lock=(told.ubrn,)) as tx:
        referral = await find_booking(told.ubrn, told.appointment.key, told.by, tx)
        if referral is None or referral.value.state is not ReferralState.BOOKED:
            return False
        appointment = referral.value.appointment
        if appointment is None:
            return False
        if await tx.claims.get(told.ubrn) is not None:
            raise RecordLocked
        return await _apply(told, referral, appointment, (world, tx))


async def _apply(
    told: Notification, referral: Stored[Referral], appointment: Appointment, where: tuple[World, Tx]
) -> bool:
    world, tx = where
    match told.appointment.status:
        case "cancelled":
            act, changed = Act.PROVIDER_CANCELS, _ended(told, appointment, world)
        case "noshow":
            act, changed = Act.MISS, _missed(told, appointment, world)
        case "arrived":
            act, changed = Act.ARRIVE, _with_status(appointment, AppointmentStatus.ARRIVED)
        case "booked":
            act, changed = Act.MOVE, await _moved(told, appointment, tx)
        case other:
            raise InvalidCode(Field.STATUS, other, "must be cancelled, noshow, arrived or booked")
    if changed == appointment:
        return False
    if act in (Act.PROVIDER_CANCELS, Act.MISS) and appointment.slot is not None:
        await tx.links.forget_polled(appointment.service.id)  # before the slot: polls use the same order
        await tx.slots.move(appointment.slot, SlotState.BOOKED, SlotState.GONE)
    stored = await tx.referrals.put(referral, referral.value.change_appointment(act, changed, world.clock.now()))
    world.entry.touched(patient=referral.patient)
    await record_event(tx, world, act, stored)
    return True


def _ended(told: Notification, appointment: Appointment, world: World) -> Appointment:
    system = CodeSystemName.APPOINTMENT_CANCELLATION_REASON
    return appointment.ended(AppointmentStatus.CANCELLED, _reason(told, system, world), None)


def _missed(told: Notification, appointment: Appointment, world: World) -> Appointment:
    system = CodeSystemName.APPOINTMENT_NON_ATTENDANCE_REASON
    return appointment.ended(AppointmentStatus.NO_SHOW, _reason(told, system, world), None)


def _reason(told: Notification, system: CodeSystemName, world: World) -> CancellationReason | None:
    code = told.appointment.reason
    if code is None:
        return None
    if code not in world.reference.code_system(system).concepts:
        raise InvalidCode(Field.REASON, code, f"is not a code of {system} (A004)")
    return CancellationReason(code, system)


def _with_status(appointment: Appointment, status: AppointmentStatus) -> Appointment:
    if appointment.status is status:
        return appointment
    return msgspec.structs.replace(appointment, status=status, version=appointment.version + 1)


async def _moved(told: Notification, appointment: Appointment, tx: Tx) -> Appointment:
    """Return the appointment in its new slot.

    Raises Unavailable if that slot is not polled yet: the PAS then retries.
    """
    pas_slot = told.appointment.pas_slot
    slot = None if pas_slot is None else await tx.slots.of_pas(appointment.service.id, pas_slot)
    if slot is None:
        raise Unavailable("slot of a moved booking")
    if slot.id == appointment.slot:
        return appointment
    if slot.state is SlotState.HELD or slot.state is SlotState.BOOKED:
        raise RecordLocked
    if not await tx.slots.move(slot.id, slot.state, SlotState.BOOKED):
        raise RecordLocked
    await _give_back(appointment.slot, tx)
    return msgspec.structs.replace(
        appointment,
        version=appointment.version + 1,
        slot=slot.id,
        start=slot.start,
        end=slot.end,
        clinician=slot.clinician,
    )


async def _give_back(slot: SlotId | None, tx: Tx) -> None:
    if slot is not None:
        await tx.slots.move(slot, SlotState.BOOKED, SlotState.FREE)
