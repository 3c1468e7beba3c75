"""Renew the mirrored records of patients on a worklist, so that each is at most `Mirroring.renewed` old."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers.usecases.due import job
from openers.usecases.patients.refresh import refresh
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

KIND: Final = "renew patients"
AT_ONCE: Final = 100
"""Patients of one run: at five a second it ends long before the claim on the item."""
EVERY: Final = timedelta(minutes=1)


async def start_renewing(world: World) -> None:
    """Schedule the first run, unless one is scheduled or patients do not come from PDS."""
    if world.mirroring is None:
        return
    async with world.read() as tx:
        if await tx.due.planned(KIND, KIND):
            return
    async with world.begin("plan to renew patients") as tx:
        await tx.due.add(KIND, KIND, world.clock.now() + EVERY)


@job(KIND, repeats=True)
async def renew_patients(item: DueItem, world: World) -> None:
    """Ask PDS for the patients whose record is too old, one after another, and schedule the next run.

    Raises NeighbourSilent: then the rest is retried later.
    """
    if world.mirroring is not None:
        async with world.read() as tx:
            overdue = await tx.mirror.overdue(world.wall.now() - world.mirroring.renewed, AT_ONCE)
        for number in overdue:
            await refresh(number, world, is_patient_here=True)
    async with world.begin(KIND) as tx:
        if world.mirroring is not None:
            await tx.due.add(KIND, item.key, world.clock.now() + EVERY)
        else:
            await tx.due.done(item)
