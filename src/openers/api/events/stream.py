"""Stream events as server-sent events until the client disconnects or the service stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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
    last = since

    async def _look() -> list[bytes]:
        nonlocal last
        async with world.read() as tx:
            events = await world.feed.after(last, tx)
        last = events[-1].number if events else last
        return [b"id: %d\ndata: %s\n\n" % (each.number, write_event(each, name)) for each in events]

    yield b"retry: %d\n\n" % RECONNECT_AFTER_MS
    async for part in follow(_look, ends, is_gone):
        yield part


async def follow(
    look: Callable[[], Awaitable[Sequence[bytes]]], ends: asyncio.Event, is_gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """Yield what each look finds, and a comment after a long silence, until `ends` is set or `is_gone` returns true."""
    quiet = 0
    while not ends.is_set() and not await is_gone():
        found = await look()
        for part in found:
            yield part
        quiet = 0 if found else quiet + 1
        if quiet and quiet % QUIET_LOOKS == 0:
            yield b": nothing new\n\n"
        if not found:
            with suppress(TimeoutError):
                await asyncio.wait_for(ends.wait(), LOOK_EVERY_S)
