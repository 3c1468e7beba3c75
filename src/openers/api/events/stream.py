"""Events as they happen, as server-sent events: until the reader goes away, or the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from openers.usecases.events.feed import write_event
from openers.usecases.world import World

LOOK_EVERY_S: Final = 0.2
"""How often it is looked for new events, in seconds."""
QUIET_LOOKS: Final = 75
"""After how many looks without an event the reader is told that the stream is alive."""
RECONNECT_AFTER_MS: Final = 1000


async def stream(
    named: tuple[World, str], since: int, ends: asyncio.Event, is_gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """All events after the number `since`, as they happen, in a world that people know by a name.

    `ends` is set, or `is_gone` holds, when that is to end.
    """
    world, name = named
    yield b"retry: %d\n\n" % RECONNECT_AFTER_MS
    quiet = 0
    while not ends.is_set() and not await is_gone():
        async with world.read() as tx:
            events = await world.feed.after(since, tx)
        for event in events:
            since = event.number
            yield b"id: %d\ndata: %s\n\n" % (event.number, write_event(event, name))
        quiet = 0 if events else quiet + 1
        if quiet and quiet % QUIET_LOOKS == 0:
            yield b": nothing new\n\n"
        if not events:
            with suppress(TimeoutError):
                await asyncio.wait_for(ends.wait(), LOOK_EVERY_S)
