"""Concurrent entries are written together, and each is durable before its caller continues."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from openers.domain.errors import Unavailable
from openers.store.engine.batches import Batches

pytestmark = pytest.mark.anyio


class Disk:
    """A write target that waits for its gate."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.gate = asyncio.Event()
        self.failure: Exception | None = None

    async def write(self, entries: Sequence[bytes]) -> None:
        """Store a batch once the gate is open."""
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.batches.append(list(entries))


async def turns() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_arrives_while_a_batch_is_written_makes_the_next_one() -> None:
    """The first entry is written by itself, the others together after it."""
    disk = Disk()
    batches = Batches(disk.write)
    tasks = [asyncio.create_task(batches.add(b"%d" % number)) for number in range(5)]
    await turns()
    assert not any(task.done() for task in tasks)
    disk.gate.set()
    await asyncio.gather(*tasks)
    assert disk.batches == [[b"0"], [b"1", b"2", b"3", b"4"]]


async def test_a_failure_reaches_everybody_of_its_batch_and_nobody_else() -> None:
    """The batch after a failed one is written normally."""
    disk = Disk()
    batches = Batches(disk.write)
    disk.failure = Unavailable("disk")
    failed = [asyncio.create_task(batches.add(b"%d" % number)) for number in range(3)]
    disk.gate.set()
    assert all(isinstance(each, Unavailable) for each in await asyncio.gather(*failed, return_exceptions=True))
    disk.failure = None
    await batches.add(b"later")
    assert disk.batches == [[b"later"]]


@pytest.mark.parametrize("victim", [0, 1, 2])
async def test_a_cancelled_caller_keeps_nobody_waiting(victim: int) -> None:
    """Whichever caller is cancelled, the other entries become durable."""
    disk = Disk()
    batches = Batches(disk.write)
    tasks = [asyncio.create_task(batches.add(b"%d" % number)) for number in range(4)]
    await turns()
    tasks[victim].cancel()
    await turns()
    disk.gate.set()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in done] == [number == victim for number in range(4)]
    written = {entry for batch in disk.batches for entry in batch}
    assert {b"%d" % number for number in range(4) if number != victim} <= written
    await batches.add(b"later")
    await batches.finish()
    assert b"later" in {entry for batch in disk.batches for entry in batch}
