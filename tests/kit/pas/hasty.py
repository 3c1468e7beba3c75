"""A service with its usual PAS timeout, and a short one while the test makes its PAS hang.

So a slow machine never causes a timeout, and no test waits long for a PAS that never replies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from openers.bootstrap import Service
from openers.domain.booking import PasAppointment, PasBooking, PasLink
from openers.domain.clock import Instant
from openers.domain.slots import PolledSlot
from openers.key_files import read_or_make_signing_key
from openers.pas.connector import PasConnector
from openers.usecases.ports.booking import Pas
from tests.kit.pas.small_pas import SmallPas
from tests.kit.service.running import edge_in

SOON_S: Final = 1.0


class HastyPas:
    """Forward calls to `patient`, or to `hasty` while the small PAS hangs."""

    def __init__(self, patient: Pas, hasty: Pas, small: SmallPas) -> None:
        """Store the connectors, both of which call `small`."""
        self._patient, self._hasty, self._small = patient, hasty, small

    @property
    def awaited(self) -> timedelta:
        """Return the usual timeout of the service."""
        return self._patient.awaited

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book an appointment."""
        return await self._now.book(link, booking)

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel an appointment."""
        await self._now.cancel(link, appointment_id, reason)

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """Look up a booking by its key."""
        return await self._now.look_up(link, key)

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """Poll the slots."""
        return await self._now.slots(link, start, end, changed_since)

    async def close(self) -> None:
        """Close all connections."""
        await self._patient.close()
        await self._hasty.close()

    @property
    def _now(self) -> Pas:
        return self._hasty if self._small.fault == "hang" else self._patient


def give_up_what_hangs(service: Service, small: SmallPas) -> Service:
    """Return the same service with a short timeout for `small` while that PAS hangs."""
    world, settings = service.world, service.settings
    sign = read_or_make_signing_key(settings.signing_key_file).sign
    hasty = PasConnector(settings.base_url.rstrip("/"), sign, world.wall, SOON_S)
    world = msgspec.structs.replace(world, pas=HastyPas(world.pas, hasty, small))
    return msgspec.structs.replace(service, world=world, edge=edge_in(world, service))
