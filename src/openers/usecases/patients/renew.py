"""Renew the mirrored records of patients on a worklist, so that each is at most `Mirroring.renewed` old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from openers.domain.errors import NeighbourSilent
from openers.domain.identifiers import NhsNumber
from openers.usecases.due import job
from openers.usecases.patients.refresh import refresh
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

KIND: Final = "renew patients"
AT_ONCE: Final = 100
"""Patients of one run: at five a second it ends long before the claim on the item."""
MOST_SILENT: Final = 4
"""Patients in a row without an answer after which a run ends: before PDS counts as down for all other callers."""
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

    A patient whom PDS does not answer for is left to the next run. Raises NeighbourSilent if PDS answers for none:
    then it is retried later, with other patients first.
    """
    if world.mirroring is not None:
        passed = (item.attempt - 1) * MOST_SILENT
        async with world.read() as tx:
            overdue = await tx.mirror.overdue(world.wall.now() - world.mirroring.renewed, AT_ONCE + passed)
        first = passed % max(len(overdue), 1)
        await _renew([*overdue[first:], *overdue[:first]][:AT_ONCE], world)
    async with world.begin(KIND) as tx:
        if world.mirroring is not None:
            await tx.due.add(KIND, item.key, world.clock.now() + EVERY)
        else:
            await tx.due.done(item)


async def _renew(numbers: Sequence[NhsNumber], world: World) -> None:
    """Ask for patients until PDS is silent several times in a row. Raises NeighbourSilent if it answers for none."""
    answered, silent = 0, list[NeighbourSilent]()
    for number in numbers:
        try:
            await refresh(number, world, is_patient_here=True)
        except NeighbourSilent as error:
            silent.append(error)
            if len(silent) == MOST_SILENT:
                break
        else:
            answered += 1
            silent.clear()
    if silent and not answered:
        raise silent[-1]
