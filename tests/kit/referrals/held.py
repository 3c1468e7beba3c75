"""A step of the service held back: what a PAS answers reaches it when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec

from openers.domain.booking import PasAppointment, PasBooking, PasLink
from openers.domain.clock import Instant
from openers.domain.slots import PolledSlot
from openers.usecases.ports.booking import Pas
from tests.kit.referrals.rig import Rig
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.running import GP, Running, edge_in

T = TypeVar("T")


class HeldPas:
    """A PAS whose answers to bookings and cancellations wait for `go`; `reached` is set once one of them waits."""

    def __init__(self, pas: Pas) -> None:
        """Calls go to `pas`."""
        self._pas = pas
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    @property
    def awaited(self) -> timedelta:
        """As long as the PAS itself."""
        return self._pas.awaited

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book; the answer comes later."""
        return await self._later(self._pas.book(link, booking))

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel; the answer comes later."""
        await self._later(self._pas.cancel(link, appointment_id, reason))

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """At once."""
        return await self._pas.look_up(link, key)

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """At once."""
        return await self._pas.slots(link, start, end, changed_since)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._pas.close()

    async def waits(self) -> None:
        """Return once an answer is held back. Raises TimeoutError if nobody asks this PAS."""
        async with asyncio.timeout(HANGS_AFTER_S):
            await self.reached.wait()

    async def _later(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        finally:
            self.reached.set()
            await self.go.wait()


async def held(desk: Rig) -> tuple[Rig, HeldPas]:
    """The same service seen through a PAS that is held back, and that PAS."""
    service = desk.run.service
    pas = HeldPas(service.world.pas)
    world = msgspec.structs.replace(service.world, pas=pas)
    edge = edge_in(world, service)
    run = Running(msgspec.structs.replace(service, world=world, edge=edge), desk.run.clients)
    return Rig(run, desk.pas, await run.as_person(GP)), pas
