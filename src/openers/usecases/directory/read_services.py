"""Read published services of the directory (A033, A035, A037). Source: rules chapter 4 (A033)."""

from __future__ import annotations

from collections.abc import Sequence

from openers.domain.directory import Service
from openers.domain.errors import Field, NotFound
from openers.domain.identifiers import ServiceId
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World


async def read_service(service_id: ServiceId, world: World) -> Stored[Service]:
    """Return the service. Raises NotFound, also for a service that is not published."""
    found = await read_services((service_id,), world)
    if not found:
        raise NotFound(Field.SERVICE, service_id)
    return found[0]


async def read_services(ids: Sequence[ServiceId], world: World) -> list[Stored[Service]]:
    """Return the published services among `ids`, in the requested order; others are left out."""
    world.entry.services = tuple(ids)
    today = world.clock.now().date()
    async with world.read() as tx:
        return [each for each in await tx.directory.services(ids) if each.value.is_open(today)]
