"""Stream events as server-sent events until the client disconnects or the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final

from openers.usecases.events.feed import write_event
from openers.usecases.world import World

LOOK_EVERY_S: Final = 0.2
"""Pause between two queries for new events, in seconds."""
QUIET_LOOKS: Final = 75
"""Number of queries without an event after which the stream sends a keep-alive comment."""
RECONNECT_AFTER_MS: Final = 1000


async def stream(
    named: tuple[World, str], since: int, ends: asyncio.Event, is_gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """Yield all events after number `since` as they happen; `named` is a world and its public name.

    The stream ends when `ends` is set or `is_gone` returns true.
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
