"""Advance a world's clock: due work runs in order, each item at its own instant.

Repeating work (slot polls, purges) would run ten thousand times within a week; it runs once, at the end. The control
plane, the loader of packs and the pytest plugin call it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from openers.domain.clock import Instant
from openers.usecases.due import Told, run_in_order, system_entry
from openers.usecases.jobs import JOBS, REPEATING
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World
from openers.worlds.running.clock import WorldClock

LATEST: Final = datetime.max.replace(tzinfo=UTC)
ALL: Final = 2**31 - 1
"""More items than any world has."""


class Done(msgspec.Struct, frozen=True):
    """One item of due work that ran on the way. If it failed, `failed` is the reason, and it will be retried."""

    kind: str
    key: str
    due: Instant
    at: Instant
    failed: str | None = None


class Way(NamedTuple):
    """Callbacks of an advance: a listener for each item that ran, and work after the clock has arrived.

    `regular_at`: repeating work waits until then, if that is later than the end.
    """

    told: Told
    arrive: Callable[[], Awaitable[object]] | None = None
    regular_at: Instant | None = None


async def advance(world: World, clock: WorldClock, until: Instant, way: Way) -> list[Done]:
    """Advance the clock to `until`; return the items that ran, in order. No other runner may be active."""
    done: list[Done] = []

    def _told(item: DueItem, error: Exception | None) -> None:
        way.told(item, error)
        done.append(Done(item.kind, item.key, item.due_at, clock.now(), None if error is None else repr(error)))

    await _put_off_regular_work(world, until, max(until, way.regular_at or until))
    while (instant := await _next(world, until, {(each.kind, each.key) for each in done if each.failed})) is not None:
        if instant > clock.now():
            clock.set(instant)
        await _run(world, _told)
    if until > clock.now():
        clock.set(until)
    if way.arrive is not None:
        await way.arrive()
    await _run(world, _told)
    return done


async def go_back(world: World) -> None:
    """Adjust the world after its clock was set back: repeating work must not wait until its later due time."""
    async with world.read() as tx:
        later = [item for item in await tx.due.upcoming(LATEST, ALL) if item.kind in REPEATING]
        links = await tx.links.all()
    now = world.clock.now()
    async with world.for_call(system_entry("Set clock back", world.wall.now())).begin("go back in time") as tx:
        for link in links:
            await tx.links.forget_polled(link.service)
        for item in later:
            await tx.due.add(item.kind, item.key, min(item.due_at, now))


async def _run(world: World, told: Told) -> None:
    """Run all work that is due now."""
    while await run_in_order(world, JOBS, told):
        pass


async def _put_off_regular_work(world: World, until: Instant, to: Instant) -> None:
    """Postpone repeating work that is due by `until` to the instant `to`."""
    async with world.read() as tx:
        upcoming = [item for item in await tx.due.upcoming(until, ALL) if item.kind in REPEATING]
    if not upcoming:
        return
    async with world.for_call(system_entry("Advance clock", world.wall.now())).begin("put off regular work") as tx:
        for item in upcoming:
            await tx.due.add(item.kind, item.key, to)


async def _next(world: World, until: Instant, failed: set[tuple[str, str]]) -> Instant | None:
    """Return when the next item before `until` may run, ignoring items that failed on the way."""
    async with world.read() as tx:
        for item in await tx.due.upcoming(until, len(failed) + 1):
            if (item.kind, item.key) not in failed and item.due_at < until:
                return item.due_at
    return None
