"""`python -m bench.heartbeat FILE …`: run `openers …`, and keep in FILE each longer block of the event loop.

A task wakes every 5 ms and measures how late it is, in seconds of the clock and in seconds of the process's own work.
On a busy machine the clock counts the work of other processes too.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from openers import server
from openers.cli.main import app

EVERY_S: Final = 0.005
"""Pause between two beats."""
NOTED_S: Final = 0.02
"""Shortest block that is kept."""


class Block(msgspec.Struct, frozen=True):
    """A block of an event loop that ended at `at` (monotonic): its seconds by the clock, and in work of its thread."""

    at: float
    clock_s: float
    work_s: float


def longest(file: Path, since: float) -> Block:
    """Return the longest block since an instant of the monotonic clock."""
    lines = file.read_bytes().splitlines() if file.exists() else []
    found = [each for each in (msgspec.json.decode(line, type=Block) for line in lines) if each.at >= since]
    nothing = Block(since, 0.0, 0.0)
    return max(found, key=lambda each: each.work_s, default=nothing)


async def _beat(note: Callable[[Block], object]) -> None:
    while True:
        began, worked = time.monotonic(), time.thread_time()
        await asyncio.sleep(EVERY_S)
        now = time.monotonic()
        if now - began > NOTED_S:
            note(Block(now, now - began - EVERY_S, time.thread_time() - worked))


def main() -> None:
    """Run the command with the heartbeat, from the moment when the service has opened."""
    file = Path(sys.argv.pop(1))
    start, beats = server.Application.start, set[asyncio.Task[None]]()
    out = file.open("ab", buffering=0)

    async def _start(self: server.Application) -> server.Served:
        service = await start(self)
        beats.add(asyncio.create_task(_beat(lambda block: out.write(msgspec.json.encode(block) + b"\n"))))
        return service

    server.Application.start = _start
    app()


if __name__ == "__main__":
    main()
