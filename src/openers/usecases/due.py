"""Due work: work that no request causes directly. A runner claims due items and runs the job of each item's kind.

An act adds its due work in its own transaction. Jobs are declared in the module of their subject (`@job`). A job
finishes its item in the transaction of its effect, so both are stored or neither. A failed item is retried. Source: ADR
0029.
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
"""A function that processes one item, and in the same transaction removes it or reschedules it."""
JobFunction = TypeVar("JobFunction", bound=Job)
JobListener = Callable[[DueItem, Exception | None], None]
"""A listener that is notified of each finished item, with the error if it failed."""
Plan = Callable[[World], Awaitable[None]]
"""A function that adds the items that no act adds; a runner calls it before each look.

Raises RecordLocked, Unavailable.
"""

CLAIMED_FOR: Final = timedelta(minutes=5)
"""How long a claimed item belongs to one runner; after that another runner may claim it."""
OF_A_KIND: Final = 16
"""Maximum number of items of one kind that are in progress at once."""
FIRST_RETRY: Final = timedelta(seconds=10)
LAST_RETRY: Final = timedelta(hours=1)


class JobDeclaration(msgspec.Struct, frozen=True):
    """A kind of due work and the function for it. `repeats`: the job always schedules its next run."""

    kind: str
    run: Job
    repeats: bool
    plan: Plan | None


DECLARED: Final[dict[str, JobDeclaration]] = {}
"""All imported jobs, by kind. `openers.usecases.jobs` imports every one."""


def job(kind: str, *, repeats: bool = False, plan: Plan | None = None) -> Callable[[JobFunction], JobFunction]:
    """Declare the decorated function as the job of `kind`. Raises ValueError if the kind already has one."""

    def _declare(run: JobFunction) -> JobFunction:
        if kind in DECLARED:
            raise ValueError(f"two jobs for due work of the kind {kind!r}")
        DECLARED[kind] = JobDeclaration(kind, run, repeats, plan)
        return run

    return _declare


def system_entry(audit_type: str, at: Instant) -> AuditEntry:
    """Return the audit entry of work that the service does without a caller."""
    return AuditEntry(event_type=SYSTEM, audit_type=audit_type, at=at, user=SYSTEM)


class DueRunner:
    """Runs the due items of a world concurrently, so that none waits for another.

    Each kind has its own limit, so a system that hangs delays only the kinds that call it. Within a kind, the earliest
    due item starts first.
    """

    def __init__(self, world: World, jobs: Mapping[str, Job], told: JobListener, plans: Sequence[Plan] = ()) -> None:
        """Run `jobs`, by kind. `told` is notified of each finished item; `plans` add items before each look."""
        self._world, self._jobs, self._told, self._plans = world, jobs, told, plans
        self._under_way: dict[asyncio.Task[None], DueItem] = {}

    async def look(self) -> int:
        """Start due items up to the concurrency limit; return how many were started. Raises Unavailable."""
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
        """Wait until an item has finished, or for at most `at_most_s` seconds. Raises Unavailable."""
        if not self._under_way:
            await asyncio.sleep(at_most_s)
            return
        await asyncio.wait(self._under_way, timeout=at_most_s, return_when=asyncio.FIRST_COMPLETED)
        self._forget_ended()

    async def finish(self) -> None:
        """Wait until no item is in progress. Raises Unavailable."""
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._forget_ended()

    async def stop(self) -> None:
        """Cancel the items in progress and make them due again for other runners. Raises Unavailable."""
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
        """Return how many more items of a kind may start."""
        return OF_A_KIND - sum(item.kind == kind for item in self._under_way.values())

    def _forget_ended(self) -> None:
        """Remove finished items; raise the error of one that could not be rescheduled.

        Such an item runs again when its claim expires. Cancelled items are left to `stop`, which may run during `rest`
        and makes them due again.
        """
        ended = [task for task in self._under_way if task.done() and not task.cancelled()]
        for task in ended:
            del self._under_way[task]
        errors = [error for task in ended if (error := task.exception())]
        if errors:
            raise errors[0]

    async def _do(self, item: DueItem) -> None:
        await _do(item, self._world, self._jobs, self._told)


async def run_in_order(world: World, jobs: Mapping[str, Job], told: JobListener) -> int:
    """Process the items that are due now one after another, the earliest first; return how many were processed.

    For worlds that must give the same result each time: the numbers that items take from a series depend on their
    order.
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


async def _do(item: DueItem, world: World, jobs: Mapping[str, Job], told: JobListener) -> None:
    """Process one item, or reschedule it."""
    own = world.for_call(system_entry(f"Due work: {item.kind}", world.wall.now()))
    try:
        await jobs[item.kind](item, own)
    except Exception as error:
        told(item, error)
        async with own.begin(f"retry {item.kind}") as tx:
            await tx.due.retry(item, world.clock.now() + _pause(item.attempt))
    else:
        told(item, None)


async def run_due(world: World, jobs: Mapping[str, Job], told: JobListener, plans: Sequence[Plan] = ()) -> int:
    """Process all items that are due now; return how many were started. For clocks that are advanced by hand."""
    runner = DueRunner(world, jobs, told, plans)
    taken = await runner.look()
    await runner.finish()
    return taken


def _pause(attempt: int) -> timedelta:
    """Return the pause before the next attempt: it doubles each time, up to an hour."""
    return min(FIRST_RETRY * 2 ** min(attempt - 1, 20), LAST_RETRY)
