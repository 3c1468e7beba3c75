"""Data of the operator page: the diary of a day by clinic, and one appointment."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import msgspec

from openers_testpas.hospital.clinics import Clinic
from openers_testpas.hospital.clock import as_number
from openers_testpas.hospital.model import Appointment, Slot, SlotStatus, Status
from openers_testpas.hospital.slots import SlotQuery, london
from openers_testpas.outbound.outbox import Notification
from openers_testpas.system import System
from openers_web.parts.forms import Option

CLOSED: Final = "Closed"
STATES: Final = {
    SlotStatus.FREE: "Free",
    SlotStatus.BUSY: "Booked",
    SlotStatus.BUSY_UNAVAILABLE: "Taken by the hospital's own patient",
    Status.ARRIVED: "Arrived",
    Status.NOSHOW: "Did not attend",
    Status.BOOKED: "Booked",
    Status.CANCELLED: "Cancelled",
}
MOST_SLOTS_TO_MOVE_TO: Final = 60


class Line(msgspec.Struct, frozen=True):
    """A slot of the diary with its patient, masked."""

    slot: str
    usrn: str
    starts: str
    ends: str
    state: str
    is_free: bool
    appointment: str | None
    patient: str | None


class ClinicDay(msgspec.Struct, frozen=True):
    """A clinic on one day."""

    clinic: Clinic
    service: str
    lines: tuple[Line, ...]


class Detail(msgspec.Struct, frozen=True):
    """One appointment, with its patient's complete NHS number."""

    held: Appointment
    clinic: str
    when: str
    day: date
    state: str
    nhs_number: str
    can_change: bool
    moves: tuple[Option, ...]
    told: tuple[str, ...]


def masked(nhs_number: str) -> str:
    """Return an NHS number with all but its last 3 digits hidden."""
    return f"••• ••• •{nhs_number[-3:]}"


def clinic_days(system: System, day: date, service: str | None) -> list[ClinicDay]:
    """Return the diary of a day, one entry for each clinic with slots on that day."""
    slots = system.slots.on_day(day, service)
    appointments = system.bookings.in_slots([slot.id for slot in slots])
    closed = system.slots.closed([slot.id for slot in slots])
    lines: dict[str, list[Line]] = {}
    for slot in slots:
        line = _line(slot, appointments.get(slot.id), is_closed=slot.id in closed)
        lines.setdefault(slot.clinic, []).append(line)
    clinics = {each: system.clinics.by_id[each] for each in lines}
    return [
        ClinicDay(clinic, system.clinics.named(clinic.service), tuple(lines[name])) for name, clinic in clinics.items()
    ]


def detail(system: System, appointment: str) -> Detail:
    """Return one appointment. Raises Unknown."""
    held = system.bookings.one(appointment)
    slot = system.slots.one(held.slot)
    clinic, starts = system.clinics.by_id[slot.clinic], london(held.start)
    can_change = held.status is Status.BOOKED
    return Detail(
        held=held,
        clinic=f"{clinic.name}, {system.clinics.named(clinic.service)}",
        when=f"{starts:%A %-d %B %Y, %H:%M} to {london(held.end):%H:%M}",
        day=starts.date(),
        state=STATES[held.status],
        nhs_number=_spaced(held.nhs_number),
        can_change=can_change,
        moves=_moves(system, clinic) if can_change else (),
        told=tuple(_told(each) for each in system.outbox.latest(appointment)),
    )


def _line(slot: Slot, held: Appointment | None, *, is_closed: bool) -> Line:
    without = CLOSED if is_closed else STATES[slot.status]
    return Line(
        slot=slot.id,
        usrn=slot.usrn,
        starts=f"{london(slot.start):%H:%M}",
        ends=f"{london(slot.end):%H:%M}",
        state=without if held is None else STATES[held.status],
        is_free=slot.status is SlotStatus.FREE,
        appointment=None if held is None else held.id,
        patient=None if held is None else masked(held.nhs_number),
    )


def _told(notification: Notification) -> str:
    answer = f", answer: {notification.answer}" if notification.answer else ""
    return f"{notification.state.capitalize()}, attempts: {notification.attempts}{answer}"


def _moves(system: System, clinic: Clinic) -> tuple[Option, ...]:
    """Return free slots of the same service from now on, soonest first."""
    now = system.clock.now()
    query = SlotQuery(
        service=clinic.service,
        start_from=as_number(now),
        start_before=as_number(now + timedelta(days=system.options.days)),
        count=MOST_SLOTS_TO_MOVE_TO,
    )
    return tuple(
        Option(slot.id, f"{london(slot.start):%a %-d %b, %H:%M}, {system.clinics.by_id[slot.clinic].name}")
        for slot in system.slots.find(query).slots
    )


def _spaced(nhs_number: str) -> str:
    return f"{nhs_number[:3]} {nhs_number[3:6]} {nhs_number[6:]}"
