"""Remove expired tokens, codes, sessions, assertion ids and logged exchanges, once an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers.usecases.due import job
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

KIND: Final = "purge credentials"
EVERY: Final = timedelta(hours=1)


async def start_purging(world: World) -> None:
    """Schedule the first purge in an hour, unless one is scheduled."""
    async with world.read() as tx:
        if await tx.due.planned(KIND, KIND):
            return
    async with world.begin("plan purge") as tx:
        await tx.due.add(KIND, KIND, world.clock.now() + EVERY)


@job(KIND, repeats=True)
async def purge_credentials(item: DueItem, world: World) -> None:
    """Remove expired credentials and old exchanges, and schedule the next purge."""
    async with world.begin(KIND) as tx:
        await tx.credentials.purge(world.wall.now())
        await tx.exchanges.purge(world.wall.now())
        await tx.due.add(KIND, item.key, world.clock.now() + EVERY)
