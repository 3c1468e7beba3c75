"""A PAS with injected faults: the `Pas` port around another one. For test mode only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final, TypeVar

from openers.domain.booking import PasAppointment, PasBooking, PasLink
from openers.domain.clock import Instant
from openers.domain.errors import PasRefused, PasSilent
from openers.domain.slots import PolledSlot
from openers.usecases.ports.booking import Pas
from openers.worlds.faults.board import FaultKind, Faults, PasCall, Place

ON_PURPOSE: Final = "an injected fault"
T = TypeVar("T")


class FaultyPas:
    """Another PAS, and the faults of a world."""

    def __init__(self, pas: Pas, faults: Faults) -> None:
        """Store the PAS, which is called whenever no fault hits."""
        self._pas, self._faults = pas, faults

    @property
    def awaited(self) -> timedelta:
        """Return how long to wait for an outcome."""
        return self._pas.awaited

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book a slot, or fail if a fault hits."""
        return await self._play(PasCall.BOOK, link, lambda: self._pas.book(link, booking))

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel a booking, or fail if a fault hits."""
        await self._play(PasCall.CANCEL, link, lambda: self._pas.cancel(link, appointment_id, reason))

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """Return the outcome of a key. A PAS cannot refuse a look-up, so a refusal is raised as PasSilent."""
        try:
            return await self._play(PasCall.LOOK_UP, link, lambda: self._pas.look_up(link, key))
        except PasRefused as refusal:
            raise PasSilent(refusal.reason) from refusal

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """Return the slots within a period, or fail if a fault hits."""
        return await self._play(PasCall.SLOTS, link, lambda: self._pas.slots(link, start, end, changed_since))

    async def close(self) -> None:
        """Close all connections."""
        await self._pas.close()

    async def _play(self, call: PasCall, link: PasLink, work: Callable[[], Awaitable[T]]) -> T:
        """Run `work`, or apply the fault that hits. Raises PasRefused, PasSilent."""
        fault = self._faults.strike(Place.PAS, call, (link.service,))
        if fault is None:
            return await work()
        await asyncio.sleep(fault.waits_s)
        match fault.kind:
            case FaultKind.PAS_REFUSED:
                raise PasRefused(ON_PURPOSE)
            case FaultKind.PAS_SLOT_GONE:
                raise PasRefused(ON_PURPOSE, gone=True)
            case FaultKind.PAS_SILENT:
                if fault.after:
                    await work()
                raise PasSilent(ON_PURPOSE)
            case _:
                return await work()
