"""What booking asks of the world outside: slots, claims, links, events, and the Patient Administration System itself.

Beside `transaction.py`, whose rules hold here too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol

from openers.domain.booking import Claim, PasAppointment, PasBooking, PasLink
from openers.domain.clock import Instant
from openers.domain.codes import Priority
from openers.domain.events import Event
from openers.domain.identifiers import ServiceId, SlotId, Ubrn, UserId
from openers.domain.slots import PolledSlot, PollState, Slot, SlotState


class Slots(Protocol):
    """Slots as polled."""

    async def free(
        self, service: ServiceId, priority: Priority, clinician: UserId | None, window: tuple[Instant, int, int]
    ) -> tuple[Sequence[Slot], int]:
        """Free slots in order of start, and how many in all; `window`: after when, how many to skip, how many."""
        ...

    async def any_free(self, service: ServiceId, priority: Priority, after: Instant) -> bool:
        """Whether there is a free slot for this priority after an instant."""
        ...

    async def get(self, slot: SlotId) -> Slot | None:
        """The slot with this id."""
        ...

    async def of_service(self, service: ServiceId, start: Instant, end: Instant) -> Sequence[Slot]:
        """Slots in every state that start from `start` until before `end`, in order of start."""
        ...

    async def of_pas(self, service: ServiceId, pas_id: str) -> Slot | None:
        """The slot of a service that its PAS knows by this id."""
        ...

    async def move(self, slot: SlotId, was: SlotState, to: SlotState) -> bool:
        """Put a slot from one state into another; `False`, and nothing done, if it is in a third."""
        ...

    async def poll(self, service: ServiceId, polled: Collection[PolledSlot], *, whole: bool) -> int:
        """Take over what a PAS tells; how many slots changed. `whole`: what is not told has vanished."""
        ...


class Claims(Protocol):
    """Acts under way."""

    async def add(self, claim: Claim) -> bool:
        """Lay a claim; `False`, and nothing kept, if the referral or the slot is claimed already."""
        ...

    async def get(self, ubrn: Ubrn) -> Claim | None:
        """The claim on a referral."""
        ...

    async def release(self, claim: Claim) -> bool:
        """Take a claim away; `False` if it was not there any more: somebody else has settled it."""
        ...


class Links(Protocol):
    """Where the PAS of each service is."""

    async def get(self, service: ServiceId) -> PasLink | None:
        """The link of a service, if it has one."""
        ...

    async def put(self, link: PasLink) -> None:
        """Add or replace."""
        ...

    async def polled(self, service: ServiceId) -> PollState | None:
        """When the service was polled, if ever."""
        ...

    async def polls(self) -> Sequence[PollState]:
        """When each service that was ever polled was polled last."""
        ...

    async def forget_polled(self, service: ServiceId) -> None:
        """Have the next poll of a service ask for everything."""
        ...

    async def put_polled(self, state: PollState, was: PollState | None) -> bool:
        """Remember when a service was polled; `False`, and nothing done, if that was changed or forgotten meanwhile."""
        ...

    async def all(self) -> Sequence[PasLink]:
        """All links, by service."""
        ...


class Events(Protocol):
    """What happened."""

    async def append(self, event: Event) -> None:
        """Add one event, in the commit of its act."""
        ...

    async def since(self, number: int) -> Sequence[Event]:
        """The first thousand events after one, in order."""
        ...

    async def last(self) -> int:
        """The number of the last one, 0 if there is none."""
        ...


class Pas(Protocol):
    """A Patient Administration System. Raises PasRefused (it answered no) and PasSilent (nobody knows what it did)."""

    @property
    def awaited(self) -> timedelta:
        """How long an outcome is awaited before the sweeper asks for it: longer than a PAS may take to answer."""
        ...

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book a slot; repeating a key gives the booking that it made."""
        ...

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel a booking; repeating it does no harm."""
        ...

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """What became of a key, `None` if nothing did."""
        ...

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """The slots within a time: the free ones, or whatever has changed since an instant."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...
