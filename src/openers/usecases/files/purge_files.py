"""Remove files that no request has, and content that no file names. Source: rules chapter 6 (unlinked uploads).

What is known of a file goes first, in one commit with the order to remove its content, so that neither can be lost.
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
"""Kind of due work: find content that no file names, as a crash between the two writes of an upload leaves it."""
SWEEP_EVERY: Final = timedelta(hours=6)
UNDER_WAY: Final = timedelta(hours=1)
"""How old content must be to be a stray: an upload that is under way has written it and not yet said so."""


@job(PURGE)
async def purge_file(item: DueItem, world: World) -> None:
    """Forget the file `item.key` unless a request has it, and plan the removal of its content."""
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
    """Have strays looked for, unless that is planned, and remove this machine's old drafts. Raises Unavailable."""
    await world.blobs.remove_drafts(world.wall.now() - UNDER_WAY)
    async with world.read() as tx:
        if await tx.due.planned(SWEEP, SWEEP):
            return
    async with world.begin("plan sweep") as tx:
        await tx.due.add(SWEEP, SWEEP, world.clock.now() + SWEEP_EVERY)


@job(SWEEP, repeats=True)
async def sweep_strays(item: DueItem, world: World) -> None:
    """Plan the removal of content that no file names, and the next sweep; drafts are removed at once."""
    before = world.wall.now() - UNDER_WAY
    await world.blobs.remove_drafts(before)
    async for keys in world.blobs.older(before):
        async with world.read() as tx:
            strays = await tx.files.without_file(keys)
        # No file can come to name one of them meanwhile: a key is never used again.
        if strays:
            async with world.begin(SWEEP) as tx:
                for blob in strays:
                    await tx.due.add(REMOVE, blob, world.clock.now())
    async with world.begin(SWEEP) as tx:
        await tx.due.add(SWEEP, item.key, world.clock.now() + SWEEP_EVERY)
