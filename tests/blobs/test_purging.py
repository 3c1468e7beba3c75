"""The service removes files that no request names, and content that no file names.

Source: rules chapter 6 (unlinked uploads are purged).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from openers.domain.errors import Unavailable
from openers.domain.identifiers import FileId
from openers.usecases.files.purge_files import REMOVE, SWEEP, UNDER_WAY, purge_file, remove_content, sweep_strays
from openers.usecases.files.upload_file import PURGE
from openers.usecases.ports.transaction import DueItem
from tests.kit.files.samples import upload
from tests.kit.service.arrangements import Moved, at_time
from tests.kit.service.running import GP, Running, entry
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio


async def stray(run: Running) -> str:
    """Store content that no file names, as after an upload that was never committed; return its key."""

    async def _content() -> AsyncGenerator[bytes]:
        yield b"Dear colleague"

    return (await run.service.world.blobs.save(FileId(str(uuid4())), _content())).key


async def is_there(run: Running, blob: str) -> bool:
    """Return whether the content can be read."""
    try:
        return bool(b"".join([each async for each in run.service.world.blobs.read(blob)]))
    except Unavailable:
        return False


async def sweep(run: Running, after: timedelta) -> None:
    """Run a sweep at a later time."""
    world = at_time(run, wall=Moved(run.service.world.wall, after)).service.world.for_call(entry())
    await sweep_strays(DueItem(SWEEP, SWEEP, datetime.now(UTC), 0), world)
    await removals(run)


async def removals(run: Running) -> None:
    """Run the planned removals of content."""
    for (key,) in await fetch(run.service.settings.database_url, "SELECT key FROM due WHERE kind = ?", REMOVE):
        item = DueItem(REMOVE, str(key), datetime.now(UTC), 0)
        await remove_content(item, run.service.world.for_call(entry()))


async def content_of(run: Running, file: str) -> str:
    """Return the key of a file's content."""
    ((blob,),) = await fetch(run.service.settings.database_url, "SELECT blob FROM files WHERE id = ?", file)
    return str(blob)


async def test_content_that_no_file_names_is_left_while_an_upload_may_be_under_way(on_both: Running) -> None:
    """Content without a file is kept while its upload may run, then removed. Content that a file names stays."""
    named = await content_of(on_both, await upload(await on_both.as_person(GP)))
    left = await stray(on_both)
    await sweep(on_both, timedelta())
    assert await is_there(on_both, left)
    await sweep(on_both, UNDER_WAY + timedelta(seconds=1))
    assert not await is_there(on_both, left)
    assert await is_there(on_both, named)


async def test_a_file_that_no_request_has_goes_with_its_content(on_both: Running) -> None:
    gp, world = await on_both.as_person(GP), on_both.service.world
    file = await upload(gp)
    content = await content_of(on_both, file)
    await purge_file(DueItem(PURGE, file, datetime.now(UTC), 0), world.for_call(entry()))
    assert (await gp.get(f"/R4/Binary/{file}")).status_code == 404
    await removals(on_both)
    assert not await is_there(on_both, content)
