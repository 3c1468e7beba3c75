"""Which slots a clinic offers: its weekly pattern in London time, less weekends, bank holidays and leave.

Always the same for the same clinic, day and seed, whenever and however often it is asked.
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
    """A slot of the calendar: instants in UTC; whether the hospital has given it to a patient of its own."""

    id: str
    clinic: str
    start: datetime
    end: datetime
    is_taken: bool


def is_working_day(day: date) -> bool:
    """Whether clinics are held: no weekend, no bank holiday."""
    return day.weekday() < len(WEEKDAYS) and day not in BANK_HOLIDAYS


def calendar(clinics: Iterable[Clinic], first: date, days: int, seed: int) -> Iterator[PlannedSlot]:
    """Every slot of `clinics` on `days` days from `first` on."""
    working_days = [day for day in (first + timedelta(number) for number in range(days)) if is_working_day(day)]
    for clinic in clinics:
        for day in working_days:
            yield from slots_on(clinic, day, seed)


def slots_on(clinic: Clinic, day: date, seed: int) -> Iterator[PlannedSlot]:
    """The slots of one clinic on one working day."""
    for session in clinic.sessions:
        is_held = WEEKDAYS[day.weekday()] in session.days
        if is_held and not _happens(clinic.away, seed, "away", clinic.id, day, session.opens):
            yield from _slots_of(clinic, session, day, seed)


def slot_id(seed: int, *what: object) -> str:
    """The id of a slot: 16 hexadecimal digits that say nothing and hardly ever meet again."""
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
    """A number below `RANGE` that depends on `what` alone."""
    text = "/".join(str(each) for each in what)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
