"""A PAS whose answers go wrong when a fault is ordered: the `Pas` port around another one. For test mode alone."""

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

ON_PURPOSE: Final = "a fault that was ordered"
T = TypeVar("T")


class FaultyPas:
    """Another PAS, and the faults of a world."""

    def __init__(self, pas: Pas, faults: Faults) -> None:
        """Asks `pas` whenever no fault strikes."""
        self._pas, self._faults = pas, faults

    @property
    def awaited(self) -> timedelta:
        """How long an outcome is awaited."""
        return self._pas.awaited

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book a slot, or fail to."""
        return await self._play(PasCall.BOOK, link, lambda: self._pas.book(link, booking))

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel a booking, or fail to."""
        await self._play(PasCall.CANCEL, link, lambda: self._pas.cancel(link, appointment_id, reason))

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """What became of a key. A look-up never says no, so a refusal is told as silence, as by any PAS."""
        try:
            return await self._play(PasCall.LOOK_UP, link, lambda: self._pas.look_up(link, key))
        except PasRefused as refusal:
            raise PasSilent(refusal.reason) from refusal

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """The slots within a time, or nothing."""
        return await self._play(PasCall.SLOTS, link, lambda: self._pas.slots(link, start, end, changed_since))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._pas.close()

    async def _play(self, call: PasCall, link: PasLink, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives, or what a fault makes of it. Raises PasRefused, PasSilent."""
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
