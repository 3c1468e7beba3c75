"""Appointment slots of directly bookable services, as Patient Administration Systems (PAS) offer them.

Source: rules chapters 1.1 (USRN, schedule), 4 (A015) and 7.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import msgspec

from openers.domain.clock import EPOCH, Instant
from openers.domain.codes import Priority
from openers.domain.identifiers import ServiceId, SlotId, UserId


class SlotState(StrEnum):
    """The state of a slot. Searches return only FREE slots; HELD ones are being booked."""

    FREE = "FREE"
    HELD = "HELD"
    BOOKED = "BOOKED"
    GONE = "GONE"


class PolledSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A slot as its PAS reports it. `pas_id` is the PAS's own id, `usrn` the reference number for people.

    `sent` is the row as it came, for the first rows of a poll.
    """

    pas_id: str
    usrn: str
    start: Instant
    end: Instant
    priorities: frozenset[Priority]
    clinician: UserId | None = None
    free: bool = True
    sent: bytes = b""


class Became(StrEnum):
    """What became of a row of a poll.

    ADDED and CHANGED slots can be booked, GONE ones no longer. KEPT ones are held or booked here, so the row changes
    nothing; IGNORED rows are not free, and the slot is not known.
    """

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    GONE = "GONE"
    KEPT = "KEPT"
    IGNORED = "IGNORED"


class Outcome(msgspec.Struct, frozen=True):
    """What a poll did: what became of each row, by the PAS's id, and how many free slots have vanished."""

    became: dict[str, Became]
    vanished: int

    @property
    def changed(self) -> int:
        """The number of slots that changed."""
        changing = (Became.ADDED, Became.CHANGED, Became.GONE)
        return self.vanished + sum(each in changing for each in self.became.values())


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A slot as the service stores it. `first_seen` is when the PAS offered it, or offered it again."""

    id: SlotId
    service: ServiceId
    pas_id: str
    usrn: str
    start: Instant
    end: Instant
    priorities: frozenset[Priority]
    state: SlotState
    clinician: UserId | None = None
    first_seen: Instant = EPOCH

    @property
    def schedule(self) -> str:
        """Id of the schedule that it belongs to: the service's, or that of one clinician there."""
        return str(self.service) if self.clinician is None else f"{self.service}-{self.clinician}"


class Polling(msgspec.Struct, frozen=True):
    """How often slots are polled, and how far ahead."""

    every: timedelta = timedelta(seconds=60)
    horizon: timedelta = timedelta(weeks=8)


class PollState(msgspec.Struct, frozen=True):
    """When the slots of a service were last polled, and when they were last polled in full."""

    service: ServiceId
    polled: Instant
    whole: Instant
