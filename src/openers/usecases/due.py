"""Work without a request: what has fallen due is claimed, done by the job of its kind, and removed or tried again.

Rows of due work are written in the commit of the act that causes them. Jobs finish their item in their own
transaction, so that an effect and its record are one. Source: architecture of the service, ADR on due work.
"""

from __future__ import annotations

from asyncio import gather
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from openers.domain.audit import SYSTEM, AuditEntry
from openers.domain.clock import Instant
from openers.usecases.ports import DueItem
from openers.usecases.world import World

Job = Callable[[DueItem, World], Awaitable[None]]
"""Does one item, and in the same transaction removes it or adds it again for later."""
Told = Callable[[DueItem, Exception | None], None]
"""Hears of each item how it went."""

CLAIMED_FOR: Final = timedelta(minutes=5)
"""How long a runner has an item to itself; after that another one takes it up."""
AT_ONCE: Final = 32
FIRST_RETRY: Final = timedelta(seconds=10)
LAST_RETRY: Final = timedelta(hours=1)


def system_entry(audit_type: str, at: Instant) -> AuditEntry:
    """The audit entry of something that the service does by itself."""
    return AuditEntry(event_type=SYSTEM, audit_type=audit_type, at=at, user=SYSTEM)


async def run_due(world: World, jobs: Mapping[str, Job], told: Told) -> int:
    """Do what is due now, all at once; how many items were taken. `told` hears how each went, earliest first.

    At once, since one that waits for a system that hangs must not keep the others.
    """
    now = world.clock.now()
    async with world.read() as tx:
        if not await tx.due.waiting(now):
            return 0
    claiming = world.for_call(system_entry("Claim due work", world.wall.now()))
    async with claiming.begin("claim due work") as tx:
        items = await tx.due.claim(now, now + CLAIMED_FOR, AT_ONCE)
    for item, error in zip(items, await gather(*(_do(item, world, jobs) for item in items)), strict=True):
        told(item, error)
    return len(items)


async def _do(item: DueItem, world: World, jobs: Mapping[str, Job]) -> Exception | None:
    """Do one item or put it off; what was wrong."""
    own = world.for_call(system_entry(f"Due work: {item.kind}", world.wall.now()))
    try:
        await jobs[item.kind](item, own)
    except Exception as error:
        async with own.begin(f"retry {item.kind}") as tx:
            await tx.due.retry(item, world.clock.now() + _pause(item.attempt))
        return error
    return None


def _pause(attempt: int) -> timedelta:
    """How long to wait before the next attempt: doubling, up to an hour."""
    return min(FIRST_RETRY * 2 ** min(attempt - 1, 20), LAST_RETRY)
