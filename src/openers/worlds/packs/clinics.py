"""Slots that a pack describes as weekly clinics: identical for the same clinic and day on each machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.identifiers import ServiceId, UserId
from openers.domain.slots import PolledSlot

LONDON: Final = ZoneInfo("Europe/London")
SATURDAY: Final = 5


class Clinic(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A clinic of each of `services` from Monday to Friday, in London time, divided into slots of equal length.

    `answers`: whether the PAS of these services replies to look-ups of a booking.
    """

    services: tuple[ServiceId, ...]
    opens: time
    closes: time
    minutes: Annotated[int, msgspec.Meta(ge=5, le=480)] = 30
    priorities: tuple[Priority, ...] = tuple(Priority)
    clinician: UserId | None = None
    answers: bool = True


def slots_between(clinics: Sequence[Clinic], service: ServiceId, start: Instant, end: Instant) -> Iterator[PolledSlot]:
    """Yield the slots of `service` that begin from `start` until before `end`, in order."""
    held = [clinic for clinic in clinics if service in clinic.services]
    day = start.astimezone(LONDON).date()
    while held and day <= end.astimezone(LONDON).date():
        if day.weekday() < SATURDAY:
            slots = [slot for clinic in held for slot in _slots_on(clinic, service, day)]
            yield from sorted((slot for slot in slots if start <= slot.start < end), key=lambda slot: slot.start)
        day += timedelta(days=1)


def _slots_on(clinic: Clinic, service: ServiceId, day: date) -> Iterator[PolledSlot]:
    opens, closes = (datetime.combine(day, at, LONDON).astimezone(UTC) for at in (clinic.opens, clinic.closes))
    length = timedelta(minutes=clinic.minutes)
    while opens + length <= closes:
        name = f"{service}-{clinic.clinician or 'any'}-{opens:%Y%m%d%H%M}"
        yield PolledSlot(
            pas_id=name,
            usrn=name,
            start=opens,
            end=opens + length,
            priorities=frozenset(clinic.priorities),
            clinician=clinic.clinician,
        )
        opens += length
