"""Compute the slots of a clinic: its weekly pattern in London time, without weekends, bank holidays and leave.

The result is always the same for the same clinic, day and seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from openers_testpas.hospital.bank_holidays import BANK_HOLIDAYS
from openers_testpas.hospital.clinics import Clinic, Session, Weekday
from openers_testpas.hospital.clock import LONDON

WEEKDAYS: Final = tuple(Weekday)
RANGE: Final = 2**64


class PlannedSlot(msgspec.Struct, frozen=True):
    """A slot of the calendar: instants in UTC, and whether one of the hospital's own patients has it."""

    id: str
    clinic: str
    start: datetime
    end: datetime
    is_taken: bool


def is_working_day(day: date) -> bool:
    """Return whether clinics are held: not at weekends or on bank holidays."""
    return day.weekday() < len(WEEKDAYS) and day not in BANK_HOLIDAYS


def calendar(clinics: Iterable[Clinic], first: date, days: int, seed: int) -> Iterator[PlannedSlot]:
    """Yield all slots of `clinics` on `days` days from `first` on."""
    working_days = [day for day in (first + timedelta(number) for number in range(days)) if is_working_day(day)]
    for clinic in clinics:
        for day in working_days:
            yield from slots_on(clinic, day, seed)


def slots_on(clinic: Clinic, day: date, seed: int) -> Iterator[PlannedSlot]:
    """Yield the slots of one clinic on one working day."""
    for session in clinic.sessions:
        is_held = WEEKDAYS[day.weekday()] in session.days
        if is_held and not _happens(clinic.away, seed, "away", clinic.id, day, session.opens):
            yield from _slots_of(clinic, session, day, seed)


def slot_id(seed: int, *what: object) -> str:
    """Return the id of a slot: 16 hexadecimal digits without meaning, practically unique."""
    return f"{_draw(seed, 'slot', *what):016x}"


def _slots_of(clinic: Clinic, session: Session, day: date, seed: int) -> Iterator[PlannedSlot]:
    length = timedelta(minutes=clinic.slot_minutes)
    start, closes = datetime.combine(day, session.opens), datetime.combine(day, session.closes)
    while start + length <= closes:
        is_taken = _happens(clinic.taken, seed, "taken", clinic.id, start)
        yield PlannedSlot(slot_id(seed, clinic.id, start), clinic.id, _utc(start), _utc(start + length), is_taken)
        start += length


def _utc(local: datetime) -> datetime:
    return local.replace(tzinfo=LONDON).astimezone(UTC)


def _happens(share: float, *what: object) -> bool:
    return _draw(*what) < share * RANGE


def _draw(*what: object) -> int:
    """Return a number below `RANGE` that depends only on `what`."""
    text = "/".join(str(each) for each in what)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
