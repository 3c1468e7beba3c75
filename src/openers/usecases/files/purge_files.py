"""Remove files that belong to no request, and content that no file names. Source: rules chapter 6 (unlinked uploads).

The file's record is deleted first, in one transaction with the due work that removes its content, so neither is lost.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers.domain.identifiers import FileId
from openers.usecases.due import job
from openers.usecases.files.upload_file import PURGE
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

REMOVE: Final = "remove content of file"
"""Kind of due work; its key is that of the content."""
SWEEP: Final = "sweep strays"
"""Kind of due work that finds content no file names, left by a crash between the two writes of an upload."""
SWEEP_EVERY: Final = timedelta(hours=6)
UNDER_WAY: Final = timedelta(hours=1)
"""Minimum age of a stray: an upload in progress may have written its content but not yet its record."""


@job(PURGE)
async def purge_file(item: DueItem, world: World) -> None:
    """Delete the record of the file `item.key` unless a request has it, and plan the removal of its content."""
    file_id = FileId(item.key)
    async with world.begin(PURGE, lock=(file_id,)) as tx:
        file = await tx.files.get(file_id)
        if file is not None and file.attached_to is None:
            await tx.files.remove(file_id)
            await tx.due.add(REMOVE, file.blob, world.clock.now())
        await tx.due.done(item)


@job(REMOVE)
async def remove_content(item: DueItem, world: World) -> None:
    """Remove the content `item.key`."""
    await world.blobs.remove(item.key)
    async with world.begin(REMOVE) as tx:
        await tx.due.done(item)


async def start_sweeping(world: World) -> None:
    """Schedule the search for strays unless it is scheduled, and remove this machine's old drafts.

    Raises Unavailable.
    """
    await world.blobs.remove_drafts(world.wall.now() - UNDER_WAY)
    async with world.read() as tx:
        if await tx.due.planned(SWEEP, SWEEP):
            return
    async with world.begin("plan sweep") as tx:
        await tx.due.add(SWEEP, SWEEP, world.clock.now() + SWEEP_EVERY)


@job(SWEEP, repeats=True)
async def sweep_strays(item: DueItem, world: World) -> None:
    """Plan the removal of content that no file names, and the next sweep; remove old drafts at once."""
    before = world.wall.now() - UNDER_WAY
    await world.blobs.remove_drafts(before)
    async for keys in world.blobs.older(before):
        async with world.read() as tx:
            strays = await tx.files.without_file(keys)
        # No new file can name this content in the meantime, because keys are never reused.
        if strays:
            async with world.begin(SWEEP) as tx:
                for blob in strays:
                    await tx.due.add(REMOVE, blob, world.clock.now())
    async with world.begin(SWEEP) as tx:
        await tx.due.add(SWEEP, item.key, world.clock.now() + SWEEP_EVERY)
