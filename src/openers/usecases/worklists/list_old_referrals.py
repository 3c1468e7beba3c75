"""Add referrals to the worklists that were stored before worklists existed: due work planned by their migration.

It works in batches, so that it blocks no other work; the last UBRN of a batch is the key of the next item.
"""

from __future__ import annotations

from typing import Final

from openers.usecases.due import job
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

LIST_OLD: Final = "list old referrals"
"""Kind of due work; its key is the UBRN after which it continues, empty at first."""
AT_ONCE: Final = 512


@job(LIST_OLD)
async def list_old_referrals(item: DueItem, world: World) -> None:
    """Add the next batch to the worklists, and schedule the rest."""
    async with world.begin(LIST_OLD) as tx:
        last = await tx.worklists.list_old(item.key, AT_ONCE)
        await tx.due.done(item)
        if last is not None:
            await tx.due.add(LIST_OLD, last, world.clock.now())
