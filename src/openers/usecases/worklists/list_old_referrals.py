"""List the referrals of a store that is older than its worklists: due work that the migration to them plans.

A portion at a time, so that it stands in nobody's way; where a portion ends is the key of the next one.
"""

from __future__ import annotations

from typing import Final

from openers.usecases.due import job
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

LIST_OLD: Final = "list old referrals"
"""Kind of due work; its key is the UBRN after which it goes on, empty at the beginning."""
AT_ONCE: Final = 512


@job(LIST_OLD)
async def list_old_referrals(item: DueItem, world: World) -> None:
    """List the next ones, and plan the rest."""
    async with world.begin(LIST_OLD) as tx:
        last = await tx.worklists.list_old(item.key, AT_ONCE)
        await tx.due.done(item)
        if last is not None:
            await tx.due.add(LIST_OLD, last, world.clock.now())
