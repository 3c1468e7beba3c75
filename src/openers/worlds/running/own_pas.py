"""A simulated Patient Administration System of a test world, based on the world's own data.

Forks use it in place of the real PAS, since hundreds of forks cannot share one diary. In a world that is linked to a
PAS it wraps that PAS and keeps the bookings from the world's pack.
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
    """The `Pas` port over the world's own data. `behind` is the PAS that it wraps, if any."""

    def __init__(self, store: Store, clinics: Sequence[Clinic] = (), behind: Pas | None = None) -> None:
        """Store the data source; `clinics` provide slots after the last one in the store."""
        self._store = store
        self.clinics = clinics
        self._behind = behind
        self._booked: dict[str, PasAppointment] = {}

    @property
    def awaited(self) -> timedelta:
        """Return how long to wait for an outcome."""
        return AWAITED if self._behind is None else self._behind.awaited

    @property
    def is_linked(self) -> bool:
        """Return whether it wraps another PAS."""
        return self._behind is not None

    @property
    def bookings(self) -> tuple[PasAppointment, ...]:
        """Return all its bookings with their present status."""
        return tuple(self._booked.values())

    async def stand_alone(self) -> None:
        """Disconnect from the wrapped PAS."""
        await self.close()
        self._behind = None

    def remember(self, bookings: Iterable[PasAppointment]) -> None:
        """Replace its bookings by these."""
        self._booked = {each.key: each for each in bookings}

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book a slot; repeating a key returns the same booking. Raises PasRefused, PasSilent."""
        self._hear(link)
        known = self._booked.get(booking.key)
        if known is not None:
            return known
        if self._behind is not None:
            return await self._behind.book(link, booking)
        return self.keep(booking)

    def keep(self, booking: PasBooking) -> PasAppointment:
        """Store a booking as made."""
        made = PasAppointment(f"own-{booking.key}", booking.key, BOOKED, booking.pas_slot)
        self._booked[booking.key] = made
        return made

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel a booking; repeating this is harmless. Raises PasRefused, PasSilent.

        An unknown booking was made by the PAS that the world used before it was forked, and is accepted as cancelled.
        """
        self._hear(link)
        known = next((each for each in self._booked.values() if each.id == appointment_id), None)
        if known is not None:
            self._booked[known.key] = msgspec.structs.replace(known, status=CANCELLED, reason=reason)
        elif self._behind is not None:
            await self._behind.cancel(link, appointment_id, reason)

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """Return the outcome of a key; `None` if there is none. Raises PasSilent."""
        self._hear(link)
        known = self._booked.get(key)
        if known is None and self._behind is not None:
            return await self._behind.look_up(link, key)
        return known

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """Return the slots within a period: those of the store, then those of the clinics after the last one."""
        if self._behind is not None:
            return await self._behind.slots(link, start, end, changed_since)
        async with self._store.read() as tx:
            known = await tx.slots.of_service(link.service, start, end)
        beyond = start if not known else known[-1].start + timedelta(microseconds=1)
        return [*map(_told, known), *slots_between(self.clinics, link.service, beyond, end)]

    def _hear(self, link: PasLink) -> None:
        """Raise PasSilent if a clinic of the world's pack requires it."""
        if any(link.service in clinic.services and not clinic.answers for clinic in self.clinics):
            raise PasSilent("the pack lets this PAS stay silent")

    async def close(self) -> None:
        """Disconnect from the wrapped PAS."""
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
