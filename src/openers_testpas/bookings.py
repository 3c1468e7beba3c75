"""Appointments: booked and cancelled by the service; cancelled, moved, kept or missed at the hospital.

Each act of the hospital is put into the outbox in the same change. Acts of the service are not reported back to it.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from typing import Any, Final

import msgspec

from openers_testpas.fhir import AppointmentWriter
from openers_testpas.hospital import reasons
from openers_testpas.hospital.clock import Clock, as_number
from openers_testpas.hospital.model import (
    Appointment,
    NotPossible,
    SlotStatus,
    SlotTaken,
    Status,
    Unfit,
    Unknown,
    Wanted,
    as_row,
)
from openers_testpas.hospital.slots import set_status, slot_in
from openers_testpas.hospital.store import Change, Store
from openers_testpas.outbound import outbox

SELECT: Final = 'SELECT a.*, s.start, s."end" FROM appointment a JOIN slot s ON s.id = a.slot WHERE '
INSERT: Final = "INSERT INTO appointment VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, NULL, NULL, ?)"


class Bookings:
    """All appointments."""

    def __init__(self, store: Store, clock: Clock, writer: AppointmentWriter, on_news: Callable[[], None]) -> None:
        """Store the dependencies; `on_news` is called after a notification was put into the outbox."""
        self._store = store
        self._clock = clock
        self._writer = writer
        self._on_news = on_news

    def book(self, wanted: Wanted) -> tuple[Appointment, bool]:
        """Return the appointment of the booking key, and whether it is new. Raises Unknown, Unfit or SlotTaken."""
        with self._store.change(self._now()) as change:
            before = self.of_key(wanted.booking_key)
            if before is not None:
                return before, False
            slot = slot_in(change.db, wanted.slot)
            if (slot.start, slot.end) != (wanted.start, wanted.end):
                raise Unfit("start and end must be the slot's")
            if slot.status is not SlotStatus.FREE:
                raise SlotTaken(f"slot {slot.id} is not free")
            appointment = secrets.token_hex(8)
            values = (appointment, wanted.booking_key, slot.id, Status.BOOKED, wanted.ubrn, wanted.nhs_number)
            try:
                change.db.execute(INSERT, (*values, wanted.priority, wanted.created, change.stamp))
            except sqlite3.IntegrityError as error:
                raise SlotTaken(f"slot {slot.id} is not free") from error
            set_status(change, slot.id, SlotStatus.BUSY)
            return self.one(appointment), True

    def cancel(self, appointment: str, reason: str | None) -> Appointment:
        """Cancel for the service; repeating changes nothing. Raises Unknown or NotPossible."""
        with self._store.change(self._now()) as change:
            held = self.one(appointment)
            if held.status is Status.CANCELLED:
                return held
            self._release(change, held)
            return self._alter(change, held, status=Status.CANCELLED, reason=reason)

    def cancel_by_hospital(self, appointment: str, reason: str, comment: str | None) -> Appointment:
        """Cancel for the hospital. Raises Unknown, Unfit or NotPossible."""
        known = reasons.find_reason(reasons.CANCELLATION_REASONS, reason)
        if known is None:
            raise Unfit(f"{reason!r} is not a cancellation reason")
        if known.needs_comment and not comment:
            raise Unfit(f"the reason {known.display!r} needs a comment")

        def act(change: Change, held: Appointment) -> Appointment:
            self._release(change, held)
            return self._alter(change, held, status=Status.CANCELLED, reason=reason, comment=comment or None)

        return self._tell(appointment, act)

    def mark_not_attended(self, appointment: str, reason: str) -> Appointment:
        """Record that the patient did not attend. Raises Unknown, Unfit or NotPossible."""
        if reasons.find_reason(reasons.NON_ATTENDANCE_REASONS, reason) is None:
            raise Unfit(f"{reason!r} is not a non-attendance reason")

        def act(change: Change, held: Appointment) -> Appointment:
            _must_be_booked(held)
            return self._alter(change, held, status=Status.NOSHOW, reason=reason)

        return self._tell(appointment, act)

    def mark_arrived(self, appointment: str) -> Appointment:
        """Record that the patient has arrived. Raises Unknown or NotPossible."""

        def act(change: Change, held: Appointment) -> Appointment:
            _must_be_booked(held)
            return self._alter(change, held, status=Status.ARRIVED)

        return self._tell(appointment, act)

    def move(self, appointment: str, slot: str) -> Appointment:
        """Move the patient to another slot for the hospital. Raises Unknown, SlotTaken or NotPossible."""

        def act(change: Change, held: Appointment) -> Appointment:
            self._release(change, held)
            if held.slot == slot or slot_in(change.db, slot).status is not SlotStatus.FREE:
                raise SlotTaken(f"slot {slot} is not free")
            set_status(change, slot, SlotStatus.BUSY)
            return self._alter(change, held, slot=slot)

        return self._tell(appointment, act)

    def one(self, appointment: str) -> Appointment:
        """Return an appointment by its id. Raises Unknown."""
        row = self._store.db.execute(f"{SELECT} a.id = ?", (appointment,)).fetchone()
        if row is None:
            raise Unknown(f"there is no appointment {appointment}")
        return as_row(row, Appointment)

    def of_key(self, booking_key: str) -> Appointment | None:
        """Return the appointment of a booking key; `None` if there is none."""
        row = self._store.db.execute(f"{SELECT} a.booking_key = ?", (booking_key,)).fetchone()
        return None if row is None else as_row(row, Appointment)

    def in_slots(self, slots: list[str]) -> dict[str, Appointment]:
        """Return the present appointment of each of the slots that has one."""
        marks = ", ".join("?" for _ in slots)
        rows = self._store.db.execute(f"{SELECT} a.status <> 'cancelled' AND a.slot IN ({marks})", slots)
        return {held.slot: held for held in (as_row(row, Appointment) for row in rows)}

    def _tell(self, appointment: str, act: Callable[[Change, Appointment], Appointment]) -> Appointment:
        with self._store.change(self._now()) as change:
            held = act(change, self.one(appointment))
            outbox.put(change, appointment, msgspec.json.encode(self._writer.write(held)))
        self._on_news()
        return held

    def _release(self, change: Change, held: Appointment) -> None:
        _must_be_booked(held)
        set_status(change, held.slot, SlotStatus.FREE)

    def _alter(self, change: Change, held: Appointment, **new: Any) -> Appointment:
        """Set `new` values in some columns, raise the version, and return the appointment."""
        columns = ", ".join(f"{name} = ?" for name in new)
        statement = f"UPDATE appointment SET {columns}, version = version + 1, updated = ? WHERE id = ?"  # noqa: S608 -- names from the calls above
        change.db.execute(statement, (*new.values(), change.stamp, held.id))
        return self.one(held.id)

    def _now(self) -> int:
        return as_number(self._clock.now())


def _must_be_booked(held: Appointment) -> None:
    if held.status is not Status.BOOKED:
        raise NotPossible(f"the appointment is {held.status}")
