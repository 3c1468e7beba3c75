"""The ports for booking: slots, claims, links, events, and the Patient Administration System (PAS) itself.

The rules in `transaction.py` apply here too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from openers.domain.booking import Claim, PasAppointment, PasBooking, PasLink
from openers.domain.clock import Instant
from openers.domain.events import Event
from openers.domain.identifiers import ServiceId, SlotId, Ubrn, UserId
from openers.domain.services.poll_report import PollReport
from openers.domain.services.slot_window import SlotWindow
from openers.domain.slots import Outcome, PolledSlot, PollState, Slot, SlotState


class Slots(Protocol):
    """The polled slots."""

    async def free(
        self, service: ServiceId, clinician: UserId | None, window: SlotWindow, page: tuple[int, int]
    ) -> tuple[Sequence[Slot], int]:
        """Return the free slots within a window in order of start, and their total number.

        `page`: an offset and a limit.
        """
        ...

    async def any_free(self, service: ServiceId, window: SlotWindow) -> bool:
        """Return whether a slot within a window is free."""
        ...

    async def booked(self, service: ServiceId, start: Instant) -> int:
        """Return how many booked slots of a service start from `start` on."""
        ...

    async def get(self, slot: SlotId) -> Slot | None:
        """Return the slot with this id."""
        ...

    async def of_service(self, service: ServiceId, start: Instant, end: Instant) -> Sequence[Slot]:
        """Return slots in every state that start from `start` up to before `end`, in order of start."""
        ...

    async def of_pas(self, service: ServiceId, pas_id: str) -> Slot | None:
        """Return the slot that the service's PAS identifies by `pas_id`."""
        ...

    async def move(self, slot: SlotId, was: SlotState, to: SlotState) -> bool:
        """Change the state of a slot; return `False`, and change nothing, if its state is not `was`."""
        ...

    async def poll(self, service: ServiceId, polled: Collection[PolledSlot], now: Instant, *, whole: bool) -> Outcome:
        """Store the slots that a PAS reports at `now`; return what became of them.

        If `whole`, slots that are not reported are gone.
        """
        ...


class Claims(Protocol):
    """Claims on referrals with a booking or cancellation in progress."""

    async def add(self, claim: Claim) -> bool:
        """Add a claim; return `False`, and store nothing, if the referral or the slot is claimed already."""
        ...

    async def get(self, ubrn: Ubrn) -> Claim | None:
        """Return the claim on a referral, if any."""
        ...

    async def release(self, claim: Claim) -> bool:
        """Remove a claim; return `False` if it was already settled."""
        ...


class Links(Protocol):
    """The PAS links of services."""

    async def get(self, service: ServiceId) -> PasLink | None:
        """Return the link of a service, if it has one."""
        ...

    async def put(self, link: PasLink) -> None:
        """Add or replace a link."""
        ...

    async def polled(self, service: ServiceId) -> PollState | None:
        """Return when the service was polled, if ever."""
        ...

    async def polls(self) -> Sequence[PollState]:
        """Return when each polled service was last polled."""
        ...

    async def forget_polled(self, service: ServiceId) -> None:
        """Make the next poll of a service a full one."""
        ...

    async def put_polled(self, state: PollState, was: PollState | None) -> bool:
        """Store the time of a poll; return `False`, and store nothing, if the state is not `was` any more."""
        ...

    async def report(self, service: ServiceId) -> PollReport | None:
        """Return the report on the last poll of a service, if it was ever polled."""
        ...

    async def put_report(self, report: PollReport) -> None:
        """Store the report on the last poll of a service."""
        ...

    async def all(self) -> Sequence[PasLink]:
        """Return all links, sorted by service."""
        ...


class Events(Protocol):
    """The event log."""

    async def append(self, event: Event) -> None:
        """Add one event, in the transaction of its act."""
        ...

    async def since(self, number: int) -> Sequence[Event]:
        """Return the first thousand events after `number`, in order."""
        ...

    async def of(self, key: str) -> Sequence[Event]:
        """Return the first thousand events of the records with a key, in order."""
        ...

    async def latest(self, keys: Sequence[str]) -> Mapping[str, Event]:
        """Return the last event of each key that has one."""
        ...

    async def last(self) -> int:
        """Return the number of the latest event, 0 if there is none."""
        ...


class Pas(Protocol):
    """A Patient Administration System. Raises PasRefused (it refused) and PasSilent (the outcome is unknown)."""

    @property
    def awaited(self) -> timedelta:
        """How long the sweeper waits for an outcome before it asks: longer than a PAS may take to answer."""
        ...

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book a slot; a repeated key returns the booking that it made."""
        ...

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel a booking; a repeated call is safe."""
        ...

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """Return the booking made under a key; `None` if there is none."""
        ...

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """Return the slots in a period: the free ones, or all that changed since an instant."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...
