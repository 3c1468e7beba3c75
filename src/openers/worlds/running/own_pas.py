"""A Patient Administration System that is part of a test world: it answers from what the world holds.

Forks have it in place of the real one, since two hundred of them can't share one diary. In a world that is linked to a
PAS it stands before that one and knows the bookings which the world's pack was loaded with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.booking import PasAppointment, PasBooking, PasLink
from openers.domain.clock import Instant
from openers.domain.errors import PasSilent
from openers.domain.slots import PolledSlot, Slot, SlotState
from openers.usecases.ports.booking import Pas
from openers.usecases.ports.transaction import Store
from openers.worlds.packs.clinics import Clinic, slots_between

AWAITED: Final = timedelta(minutes=3)
BOOKED: Final = "booked"
CANCELLED: Final = "cancelled"
_OPEN: Final = frozenset({SlotState.FREE, SlotState.HELD})


class OwnPas:
    """The `Pas` port over the world's own data. `behind` is the PAS that it stands before, if any."""

    def __init__(self, store: Store, clinics: Sequence[Clinic] = (), behind: Pas | None = None) -> None:
        """`clinics` offer slots from where those in the store end."""
        self._store = store
        self.clinics = clinics
        self._behind = behind
        self._booked: dict[str, PasAppointment] = {}

    @property
    def awaited(self) -> timedelta:
        """How long an outcome is awaited."""
        return AWAITED if self._behind is None else self._behind.awaited

    @property
    def is_linked(self) -> bool:
        """Whether there is a PAS behind it."""
        return self._behind is not None

    @property
    def bookings(self) -> tuple[PasAppointment, ...]:
        """Every booking that it was asked for, as it stands now."""
        return tuple(self._booked.values())

    async def stand_alone(self) -> None:
        """Ask the PAS behind it no more."""
        await self.close()
        self._behind = None

    def remember(self, bookings: Iterable[PasAppointment]) -> None:
        """Have these bookings and no others."""
        self._booked = {each.key: each for each in bookings}

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book a slot; repeating a key gives the booking that it made. Raises PasRefused, PasSilent."""
        self._hear(link)
        known = self._booked.get(booking.key)
        if known is not None:
            return known
        if self._behind is not None:
            return await self._behind.book(link, booking)
        return self.keep(booking)

    def keep(self, booking: PasBooking) -> PasAppointment:
        """Note a booking as made."""
        made = PasAppointment(f"own-{booking.key}", booking.key, BOOKED, booking.pas_slot)
        self._booked[booking.key] = made
        return made

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel a booking; repeating it does no harm. Raises PasRefused, PasSilent.

        One that it does not know was made by the PAS that the world had before it was forked: that is cancelled too.
        """
        self._hear(link)
        known = next((each for each in self._booked.values() if each.id == appointment_id), None)
        if known is not None:
            self._booked[known.key] = msgspec.structs.replace(known, status=CANCELLED, reason=reason)
        elif self._behind is not None:
            await self._behind.cancel(link, appointment_id, reason)

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """What became of a key, `None` if nothing did. Raises PasSilent."""
        self._hear(link)
        known = self._booked.get(key)
        if known is None and self._behind is not None:
            return await self._behind.look_up(link, key)
        return known

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """The slots within a time: those that the store has, and beyond the last of them those of the clinics."""
        if self._behind is not None:
            return await self._behind.slots(link, start, end, changed_since)
        async with self._store.read() as tx:
            known = await tx.slots.of_service(link.service, start, end)
        beyond = start if not known else known[-1].start + timedelta(microseconds=1)
        return [*map(_told, known), *slots_between(self.clinics, link.service, beyond, end)]

    def _hear(self, link: PasLink) -> None:
        """Raise PasSilent where a clinic of the world's pack says so."""
        if any(link.service in clinic.services and not clinic.answers for clinic in self.clinics):
            raise PasSilent("the pack has it say nothing")

    async def close(self) -> None:
        """Let go of the PAS behind it."""
        if self._behind is not None:
            await self._behind.close()


def _told(slot: Slot) -> PolledSlot:
    return PolledSlot(
        pas_id=slot.pas_id,
        usrn=slot.usrn,
        start=slot.start,
        end=slot.end,
        priorities=slot.priorities,
        clinician=slot.clinician,
        free=slot.state in _OPEN,
    )
