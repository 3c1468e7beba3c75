"""Which free slots of a service referrers see: one rule for searches, bookings, quoted slots and deferrals.

Three settings stand between a PAS and the person who books: how far ahead the PAS is polled, the booking window of each
priority, and the reservation of new slots for the provider. Source: rules part 3, chapter A.6.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.identifiers import UserId
from openers.domain.slots import Slot, SlotState

FIRST: Final = timedelta(microseconds=1)
"""A slot that starts at this moment has begun already."""


class BookingWindow(msgspec.Struct, frozen=True, kw_only=True):
    """From when until when, counted from now, slots are offered for one priority. Without `ends_after_days`: all."""

    starts_after_hours: int = 1
    ends_after_days: int | None = None


class SlotRules(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a service for its slots.

    `polling_range_days` is how far ahead its PAS is polled; `None` means as far as the service polls by default. New
    slots are reserved for the provider for `reservation_days`. A priority without a window is offered every slot.
    """

    polling_range_days: int | None = None
    windows: dict[Priority, BookingWindow] = {}
    reservation_days: int = 0

    def window(self, priority: Priority, now: Instant) -> SlotWindow:
        """Return which free slots referrers see for this priority at this moment."""
        own = self.windows.get(priority)
        days = self.polling_range_days if own is None or own.ends_after_days is None else own.ends_after_days
        return SlotWindow(
            priority=priority,
            start=now + (FIRST if own is None else max(FIRST, timedelta(hours=own.starts_after_hours))),
            end=None if days is None else now + timedelta(days=days),
            seen_by=now - timedelta(days=self.reservation_days) if self.reservation_days else None,
        )


class SlotCondition(StrEnum):
    """A condition that a slot must satisfy to be seen, in the order in which they are checked."""

    STATE = "STATE"
    PRIORITY = "PRIORITY"
    CLINICIAN = "CLINICIAN"
    RESERVATION = "RESERVATION"
    WINDOW_START = "WINDOW_START"
    WINDOW_END = "WINDOW_END"


class SlotWindow(msgspec.Struct, frozen=True, kw_only=True):
    """The slots that are seen: they start at `start` or later and before `end`, and were first seen by `seen_by`.

    None is seen if the service does not accept the priority.
    """

    priority: Priority
    start: Instant
    end: Instant | None = None
    seen_by: Instant | None = None
    is_accepted: bool = True

    def hidden_by(self, slot: Slot, clinician: UserId | None = None) -> SlotCondition | None:
        """Return the first condition that hides the slot from a search for slots of `clinician`, or of anybody."""
        if slot.state is not SlotState.FREE:
            return SlotCondition.STATE
        if not self.is_accepted or self.priority not in slot.priorities:
            return SlotCondition.PRIORITY
        if clinician is not None and slot.clinician != clinician:
            return SlotCondition.CLINICIAN
        if self.seen_by is not None and slot.first_seen > self.seen_by:
            return SlotCondition.RESERVATION
        if slot.start < self.start:
            return SlotCondition.WINDOW_START
        return SlotCondition.WINDOW_END if self.end is not None and slot.start >= self.end else None

    def hides(self, slot: Slot) -> bool:
        """Return whether referrers do not see the slot."""
        return self.hidden_by(slot) is not None
