"""Work without a request: what has fallen due is claimed, done by the job of its kind, and removed or tried again.

Rows of due work are written in the commit of the act that causes them. Jobs are declared where they are written
(`@job`), and finish their item in their own transaction, so that an effect and its record are one. Source: ADR 0029.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeVar

import msgspec

from openers.domain.audit import SYSTEM, AuditEntry
from openers.domain.clock import Instant
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

Job = Callable[[DueItem, World], Awaitable[None]]
"""Does one item, and in the same transaction removes it or adds it again for later."""
JobFunction = TypeVar("JobFunction", bound=Job)
Told = Callable[[DueItem, Exception | None], None]
"""Hears of each item how it went."""
Plan = Callable[[World], Awaitable[None]]
"""Adds the items that no act adds: a runner calls it before it looks. Raises RecordLocked, Unavailable."""

CLAIMED_FOR: Final = timedelta(minutes=5)
"""How long a runner has an item to itself; after that another one takes it up."""
OF_A_KIND: Final = 16
"""How many items of one kind are under way at once."""
FIRST_RETRY: Final = timedelta(seconds=10)
LAST_RETRY: Final = timedelta(hours=1)


class JobDeclaration(msgspec.Struct, frozen=True):
    """A kind of due work and the function that does it. `repeats`: it plans itself again, for ever."""

    kind: str
    run: Job
    repeats: bool
    plan: Plan | None


DECLARED: Final[dict[str, JobDeclaration]] = {}
"""All jobs that have been imported, by kind. `openers.usecases.jobs` imports every one."""


def job(kind: str, *, repeats: bool = False, plan: Plan | None = None) -> Callable[[JobFunction], JobFunction]:
    """Declare the decorated function as the job of `kind`. Raises ValueError if the kind has one already."""

    def _declare(run: JobFunction) -> JobFunction:
        if kind in DECLARED:
            raise ValueError(f"two jobs for due work of the kind {kind!r}")
        DECLARED[kind] = JobDeclaration(kind, run, repeats, plan)
        return run

    return _declare


def system_entry(audit_type: str, at: Instant) -> AuditEntry:
    """The audit entry of something that the service does by itself."""
    return AuditEntry(event_type=SYSTEM, audit_type=audit_type, at=at, user=SYSTEM)


class DueRunner:
    """Does what falls due in a world: many items beside each other, none of which waits for another.

    Each kind has places of its own, so that a system that hangs holds up the kinds that ask it and nothing else.
    Within a kind, what is due first begins first.
    """

    def __init__(self, world: World, jobs: Mapping[str, Job], told: Told, plans: Sequence[Plan] = ()) -> None:
        """`jobs` by kind; `told` hears of each item when it has ended; `plans` add items before each look."""
        self._world, self._jobs, self._told, self._plans = world, jobs, told, plans
        self._under_way: dict[asyncio.Task[None], DueItem] = {}

    async def look(self) -> int:
        """Begin what is due now, as far as there is room; how many items that is. Raises Unavailable."""
        for plan in self._plans:
            await plan(self._world.for_call(system_entry("Plan due work", self._world.wall.now())))
        now = self._world.clock.now()
        async with self._world.read() as tx:
            waiting = await tx.due.waiting(now)
        room = {kind: left for kind in waiting if (left := self._places_of(kind)) > 0}
        if not room:
            return 0
        items: list[DueItem] = []
        claiming = self._world.for_call(system_entry("Claim due work", self._world.wall.now()))
        async with claiming.begin("claim due work") as tx:
            for kind, left in room.items():
                items += await tx.due.claim(kind, now, now + CLAIMED_FOR, left)
        for item in sorted(items, key=lambda each: each.due_at):
            self._under_way[asyncio.create_task(self._do(item))] = item
        return len(items)

    async def rest(self, at_most_s: float) -> None:
        """Return when an item has ended, or so many seconds have passed. Raises Unavailable."""
        if not self._under_way:
            await asyncio.sleep(at_most_s)
            return
        await asyncio.wait(self._under_way, timeout=at_most_s, return_when=asyncio.FIRST_COMPLETED)
        self._forget_ended()

    async def finish(self) -> None:
        """Return when nothing is under way any more. Raises Unavailable."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._forget_ended()

    async def stop(self) -> None:
        """Break off what is under way, and give it back to whoever looks next. Raises Unavailable."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        broken_off = [item for task, item in self._under_way.items() if task.cancelled()]
        self._under_way.clear()
        if broken_off:
            async with self._world.for_call(system_entry("Stop", self._world.wall.now())).begin("give back") as tx:
                for item in broken_off:
                    await tx.due.retry(item, item.due_at)

    def _places_of(self, kind: str) -> int:
        """How many more of a kind may begin."""
        return OF_A_KIND - sum(item.kind == kind for item in self._under_way.values())

    def _forget_ended(self) -> None:
        """Raise what has kept an item from being put off: it comes again when its claim has run out.

        What was cancelled is left to `stop`, which may run while somebody rests, and gives it back.
        """
        ended = [task for task in self._under_way if task.done() and not task.cancelled()]
        for task in ended:
            del self._under_way[task]
        errors = [error for task in ended if (error := task.exception())]
        if errors:
            raise errors[0]

    async def _do(self, item: DueItem) -> None:
        await _do(item, self._world, self._jobs, self._told)


async def run_in_order(world: World, jobs: Mapping[str, Job], told: Told) -> int:
    """Do what is due now, one item after another, the earliest first; how many were taken.

    For worlds that have to come out the same each time: what items draw from a series depends on who is first.
    """
    taken, now = 0, world.clock.now()
    while True:
        async with world.read() as tx:
            upcoming = await tx.due.upcoming(now, 1)
        if not upcoming:
            return taken
        claiming = world.for_call(system_entry("Claim due work", world.wall.now()))
        async with claiming.begin("claim due work") as tx:
            items = await tx.due.claim(upcoming[0].kind, now, now + CLAIMED_FOR, 1)
        if not items:
            return taken  # another runner has it
        await _do(items[0], world, jobs, told)
        taken += 1


async def _do(item: DueItem, world: World, jobs: Mapping[str, Job], told: Told) -> None:
    """Do one item or put it off."""
    own = world.for_call(system_entry(f"Due work: {item.kind}", world.wall.now()))
    try:
        await jobs[item.kind](item, own)
    except Exception as error:
        told(item, error)
        async with own.begin(f"retry {item.kind}") as tx:
            await tx.due.retry(item, world.clock.now() + _pause(item.attempt))
    else:
        told(item, None)


async def run_due(world: World, jobs: Mapping[str, Job], told: Told, plans: Sequence[Plan] = ()) -> int:
    """Do what is due now, to its end; how many items were taken. For a clock that is moved by hand."""
    runner = DueRunner(world, jobs, told, plans)
    taken = await runner.look()
    await runner.finish()
    return taken


def _pause(attempt: int) -> timedelta:
    """How long to wait before the next attempt: doubling, up to an hour."""
    return min(FIRST_RETRY * 2 ** min(attempt - 1, 20), LAST_RETRY)
