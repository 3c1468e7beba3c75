"""A PAS whose replies wait until the test releases them, so that a booking stops between two steps."""

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
    """A PAS whose replies to bookings and cancellations wait for `go`. The first waiting reply sets `reached`."""

    def __init__(self, pas: Pas) -> None:
        """Forward all calls to `pas`."""
        self._pas = pas
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    @property
    def awaited(self) -> timedelta:
        """Return the timeout of the real PAS."""
        return self._pas.awaited

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book at once; return the reply only after `go`."""
        return await self._later(self._pas.book(link, booking))

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel at once; return only after `go`."""
        await self._later(self._pas.cancel(link, appointment_id, reason))

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """Look the booking up without delay."""
        return await self._pas.look_up(link, key)

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """Return the slots without delay."""
        return await self._pas.slots(link, start, end, changed_since)

    async def close(self) -> None:
        """Close all connections."""
        await self._pas.close()

    async def waits(self) -> None:
        """Wait until a reply is held back. Raise TimeoutError if the service never calls this PAS."""
        async with asyncio.timeout(HANGS_AFTER_S):
            await self.reached.wait()

    async def _later(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        finally:
            self.reached.set()
            await self.go.wait()


async def held(desk: Rig) -> tuple[Rig, HeldPas]:
    """Return the same service with a PAS that holds its replies back, and that PAS."""
    service = desk.run.service
    pas = HeldPas(service.world.pas)
    world = msgspec.structs.replace(service.world, pas=pas)
    edge = edge_in(world, service)
    run = Running(msgspec.structs.replace(service, world=world, edge=edge), desk.run.clients)
    return Rig(run, desk.pas, await run.as_person(GP)), pas
