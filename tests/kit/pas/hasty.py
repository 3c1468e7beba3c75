"""A service that waits for its PAS as long as it takes, and gives up one that is to hang soon.

So no pause of the machine makes a PAS silent that is not, and no test waits long for one that is.
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
    """Calls go to `patient`, or to `hasty` while the small PAS hangs."""

    def __init__(self, patient: Pas, hasty: Pas, small: SmallPas) -> None:
        """Both call `small`."""
        self._patient, self._hasty, self._small = patient, hasty, small

    @property
    def awaited(self) -> timedelta:
        """As the service has it."""
        return self._patient.awaited

    async def book(self, link: PasLink, booking: PasBooking) -> PasAppointment:
        """Book."""
        return await self._now.book(link, booking)

    async def cancel(self, link: PasLink, appointment_id: str, reason: str | None) -> None:
        """Cancel."""
        await self._now.cancel(link, appointment_id, reason)

    async def look_up(self, link: PasLink, key: str) -> PasAppointment | None:
        """Look up."""
        return await self._now.look_up(link, key)

    async def slots(
        self, link: PasLink, start: Instant, end: Instant, changed_since: Instant | None
    ) -> Sequence[PolledSlot]:
        """Poll."""
        return await self._now.slots(link, start, end, changed_since)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._patient.close()
        await self._hasty.close()

    @property
    def _now(self) -> Pas:
        return self._hasty if self._small.fault == "hang" else self._patient


def give_up_what_hangs(service: Service, small: SmallPas) -> Service:
    """The same service, which gives `small` up soon while that hangs."""
    world, settings = service.world, service.settings
    sign = read_or_make_signing_key(settings.signing_key_file).sign
    hasty = PasConnector(settings.base_url.rstrip("/"), sign, world.wall, SOON_S)
    world = msgspec.structs.replace(world, pas=HastyPas(world.pas, hasty, small))
    return msgspec.structs.replace(service, world=world, edge=edge_in(world, service))
