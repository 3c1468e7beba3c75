"""The runner of due work: each item is done once, failures are retried after growing pauses, and nothing is lost."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
import pytest

from openers.bootstrap import Service, do_due_work
from openers.domain.credentials import CredentialKind, Session
from openers.domain.directory import Assurance
from openers.domain.errors import Unavailable
from openers.domain.identifiers import UserId
from openers.server import Application
from openers.telemetry.logs import configure
from openers.usecases.booking.poll_slots import POLL
from openers.usecases.due import CLAIMED_FOR, FIRST_RETRY, LAST_RETRY, OF_A_KIND, DueRunner, run_due
from openers.usecases.jobs import JOBS
from openers.usecases.ports.transaction import DueItem
from openers.usecases.purge_credentials import EVERY, KIND, start_purging
from openers.usecases.world import World
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.running import Running, entry
from tests.kit.store.outside import execute, fetch

pytestmark = pytest.mark.anyio


class HandClock:
    """A stopped clock that tests move."""

    def __init__(self, now: datetime) -> None:
        """Show `now`."""
        self.time = now

    def now(self) -> datetime:
        """Return the time shown."""
        return self.time


class Workshop:
    """A world with its own clock, and the results of its items."""

    def __init__(self, run: Running) -> None:
        """Use the service's store."""
        self.clock = HandClock(run.service.world.clock.now())
        self.world = msgspec.structs.replace(run.service.world.for_call(entry()), clock=self.clock, wall=self.clock)
        self.went: list[tuple[str, int, str]] = []
        self.url = run.service.settings.database_url

    async def add(self, kind: str, *keys: str) -> None:
        """Add items that are due now."""
        async with self.world.begin("add") as tx:
            for key in keys:
                await tx.due.add(kind, key, self.clock.time)

    def runner(self, **jobs: Callable[[DueItem, World], Awaitable[None]]) -> DueRunner:
        """Return a runner that the test drives."""
        return DueRunner(self.world, {**JOBS, **jobs}, self._note)

    async def run(self, **jobs: Callable[[DueItem, World], Awaitable[None]]) -> int:
        """Run one round, and return how many of the test's items were run."""
        before = len(self.went)
        await run_due(self.world, {**JOBS, **jobs}, self._note)
        return len(self.went) - before

    def _note(self, item: DueItem, error: Exception | None) -> None:
        if item.kind not in JOBS:
            self.went.append((item.key, item.attempt, type(error).__name__))


async def finish(item: DueItem, world: World) -> None:
    """Complete the item."""
    async with world.begin(f"do {item.key}") as tx:
        await tx.due.done(item)


async def fail(item: DueItem, world: World) -> None:
    """Change something, then fail."""
    async with world.begin("half") as tx:
        await tx.due.add("trace", item.key, world.clock.now())
        raise ArithmeticError


@pytest.fixture
async def idle(on_both: Running) -> Running:
    """Run a service on each kind of database, without slots to poll."""
    await execute(on_both.service.settings.database_url, "DELETE FROM due WHERE kind = ?", POLL)
    return on_both


@pytest.fixture
def shop(idle: Running) -> Workshop:
    """Provide a workshop on each kind of database."""
    return Workshop(idle)


async def test_items_are_done_once_in_rounds(shop: Workshop) -> None:
    """A round runs a kind's items up to its limit, earliest first; a round without work runs nothing."""
    await shop.add("ring", *(f"{number:03}" for number in range(OF_A_KIND + 3)))
    assert [await shop.run(ring=finish) for _ in range(3)] == [OF_A_KIND, 3, 0]
    went = [sorted(shop.went[:OF_A_KIND]), sorted(shop.went[OF_A_KIND:])]
    assert [*went[0], *went[1]] == [(f"{number:03}", 1, "NoneType") for number in range(OF_A_KIND + 3)]


async def test_a_failure_is_undone_and_tried_again_after_doubling_pauses(shop: Workshop) -> None:
    """The pauses are 10, 20, 40 seconds and so on up to an hour; other items of the round are not affected."""
    await shop.add("fall", "bad")
    await shop.add("ring", "good")
    pauses: list[timedelta] = []
    for attempt in range(1, 13):
        assert await shop.run(fall=fail, ring=finish) == (2 if attempt == 1 else 1)
        pause = min(FIRST_RETRY * 2 ** (attempt - 1), LAST_RETRY)
        shop.clock.time += pause - timedelta(milliseconds=1)
        assert await shop.run(fall=fail) == 0
        shop.clock.time += timedelta(milliseconds=1)
        pauses.append(pause)
    assert pauses[:3] == [timedelta(seconds=each) for each in (10, 20, 40)]
    assert pauses[-1] == timedelta(hours=1)
    assert shop.went == [
        ("bad", 1, "ArithmeticError"),
        ("good", 1, "NoneType"),
        *(("bad", attempt, "ArithmeticError") for attempt in range(2, 13)),
    ]
    async with shop.world.read() as tx:
        assert not await tx.due.planned("trace", "bad")


class Hanging:
    """A job whose items hang until released."""

    def __init__(self) -> None:
        """Start with no item begun."""
        self.begun: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, item: DueItem, world: World) -> None:
        """Hang, then complete the item."""
        self.begun.append(item.key)
        await self.go.wait()
        await finish(item, world)


async def test_what_hangs_holds_up_nothing_of_another_kind(shop: Workshop) -> None:
    """While items of one kind hang at its limit, items of another kind are done, including later ones."""
    hanging = Hanging()
    runner = shop.runner(hang=hanging, ring=finish)
    await shop.add("hang", *(f"{number:03}" for number in range(OF_A_KIND + 2)))
    await shop.add("ring", "first")
    assert await runner.look() == OF_A_KIND + 1
    await until(runner, lambda: len(shop.went) == 1)
    assert await runner.look() == 0
    await shop.add("ring", "second")
    assert await runner.look() == 1
    await until(runner, lambda: len(shop.went) == 2)
    assert [key for key, _, _ in shop.went] == ["first", "second"]
    assert hanging.begun == [f"{number:03}" for number in range(OF_A_KIND)]
    hanging.go.set()
    await until(runner, lambda: len(shop.went) == 2 + OF_A_KIND)
    assert await runner.look() == 2
    await runner.finish()
    assert sorted(key for key, _, _ in shop.went[2:]) == [f"{number:03}" for number in range(OF_A_KIND + 2)]


async def test_what_hangs_leaves_the_other_places_of_its_kind(shop: Workshop) -> None:
    """While one item of a kind hangs, all others of the kind are done."""
    hanging, others = Hanging(), [f"rings {number:03}" for number in range(3 * OF_A_KIND)]

    async def hang_or_ring(item: DueItem, world: World) -> None:
        await (hanging if item.key == "hangs" else finish)(item, world)

    runner = shop.runner(ring=hang_or_ring)
    await shop.add("ring", "hangs", *others)
    while len(shop.went) < len(others):
        await runner.look()
        await runner.rest(HANGS_AFTER_S)
    assert sorted(key for key, _, _ in shop.went) == others
    hanging.go.set()
    await runner.finish()
    assert shop.went[-1][0] == "hangs"


async def test_what_is_broken_off_is_given_back(shop: Workshop) -> None:
    """A runner that stops in good order releases its items, so the next one need not wait for the claim's end."""
    hanging = Hanging()
    runner = shop.runner(hang=hanging, ring=finish)
    await shop.add("hang", "left")
    await shop.add("ring", "done")
    assert await runner.look() == 2
    await until(runner, lambda: len(shop.went) == 1)
    await runner.stop()
    assert shop.went == [("done", 1, "NoneType")]
    assert await shop.run(hang=finish) == 1
    assert shop.went[1:] == [("left", 2, "NoneType")]


async def test_work_that_is_broken_off_while_somebody_rests(shop: Workshop) -> None:
    """If the runner stops while a caller waits in `rest`, the caller continues, and the item runs again."""
    begun = asyncio.Event()

    async def hang(item: DueItem, world: World) -> None:
        begun.set()
        await asyncio.Event().wait()

    runner = shop.runner(ring=hang)
    await shop.add("ring", "left")
    assert await runner.look() == 1
    await begun.wait()
    resting = asyncio.create_task(runner.rest(HANGS_AFTER_S))
    await asyncio.sleep(0)
    await runner.stop()
    async with asyncio.timeout(HANGS_AFTER_S):
        await resting
    assert await shop.run(ring=finish) == 1
    assert shop.went == [("left", 2, "NoneType")]


async def test_an_item_that_can_not_be_put_off_is_told_and_comes_again(shop: Workshop) -> None:
    """If the store fails while a failed item is postponed, the runner raises an error.

    The item runs again after its claim has expired.
    """

    async def break_all(item: DueItem, world: World) -> None:
        await execute(shop.url, "ALTER TABLE due RENAME TO hidden")
        raise ArithmeticError

    runner = shop.runner(fall=break_all, ring=finish)
    await shop.add("fall", "bad")
    assert await runner.look() == 1
    with pytest.raises(Exception, match=r"database|due"):
        await runner.finish()
    await execute(shop.url, "ALTER TABLE hidden RENAME TO due")
    assert await runner.look() == 0
    shop.clock.time += CLAIMED_FOR
    assert await shop.run(fall=finish) == 1
    assert shop.went == [("bad", 1, "ArithmeticError"), ("bad", 2, "NoneType")]


async def until(runner: DueRunner, done: Callable[[], bool]) -> None:
    """Let the runner rest until the condition holds."""
    async with asyncio.timeout(HANGS_AFTER_S):
        while not done():
            await runner.rest(HANGS_AFTER_S)


async def test_work_of_an_unknown_kind_waits(shop: Workshop) -> None:
    """An item of an unknown kind stays, because another version of the service may know it."""
    await shop.add("new kind", "one")
    assert await shop.run(ring=finish) == 1
    assert shop.went == [("one", 1, "KeyError")]
    async with shop.world.read() as tx:
        assert await tx.due.planned("new kind", "one")


async def test_a_runner_that_died_loses_its_claim(shop: Workshop) -> None:
    """Another runner takes over the item when the claim has expired, not before."""
    await shop.add("ring", "left")
    async with shop.world.begin("claim") as tx:
        await tx.due.claim("ring", shop.clock.time, shop.clock.time + CLAIMED_FOR, 1)
    shop.clock.time += CLAIMED_FOR - timedelta(milliseconds=1)
    assert await shop.run(ring=finish) == 0
    shop.clock.time += timedelta(milliseconds=1)
    assert await shop.run(ring=finish) == 1
    assert shop.went == [("left", 2, "NoneType")]


async def test_two_runners_share_the_work(shop: Workshop) -> None:
    """No item is done twice."""
    await shop.add("ring", *(f"{number:03}" for number in range(2 * OF_A_KIND)))
    await asyncio.gather(*(shop.run(ring=finish) for _ in range(4)))
    while await shop.run(ring=finish):
        pass
    assert sorted(key for key, _, _ in shop.went) == [f"{number:03}" for number in range(2 * OF_A_KIND)]


async def test_purging_removes_what_expired_and_comes_again(shop: Workshop) -> None:
    """Purging is planned once, repeats every hour and keeps valid credentials."""
    clock = shop.clock
    session = Session(
        id="s", user=UserId("555073103100"), assurance=Assurance(), began=clock.time, ends=clock.time + 2 * EVERY
    )
    async with shop.world.begin("add") as tx:
        await tx.credentials.add(CredentialKind.SESSION, "old", session, clock.time + EVERY / 2)
        await tx.credentials.add(CredentialKind.SESSION, "living", session, clock.time + 2 * EVERY)
    await start_purging(shop.world)
    await start_purging(shop.world)
    assert await run_due(shop.world, JOBS, lambda _item, _error: None) == 0
    clock.time += EVERY
    assert await run_due(shop.world, JOBS, lambda _item, _error: None) == 1
    async with shop.world.read() as tx:
        assert await tx.credentials.get(CredentialKind.SESSION, "old", Session) is None
        assert await tx.credentials.get(CredentialKind.SESSION, "living", Session) == session
        assert await tx.due.planned(KIND, KIND)
    assert await run_due(shop.world, JOBS, lambda _item, _error: None) == 0
    clock.time += EVERY
    assert await run_due(shop.world, JOBS, lambda _item, _error: None) == 1


async def test_runs_are_counted_and_audited(idle: Running) -> None:
    """Items are counted by kind and outcome, and the service's own work leaves audit entries."""
    async with idle.service.world.for_call(entry()).begin("add") as tx:
        await tx.due.add(KIND, KIND, idle.service.world.clock.now())
        await tx.due.add("unknown", "item", idle.service.world.clock.now())
    assert await do_due_work(idle.service) == 2
    metrics = idle.service.metrics.render().decode()
    assert f'openers_due_items_total{{kind="{KIND}",outcome="done"}} 1.0' in metrics
    assert 'openers_due_items_total{kind="unknown",outcome="failed"} 1.0' in metrics
    await idle.service.world.store.upkeep()
    url = idle.service.settings.database_url
    audit = b"".join(bytes(row[0]) for row in await fetch(url, "SELECT entries FROM audit_blocks"))
    assert b'"audit_type":"Due work: %b"' % KIND.encode() in audit


class Heard(io.StringIO):
    """A log that signals when an awaited text is written."""

    def __init__(self, awaited: str) -> None:
        """Set `told` when `awaited` is written."""
        super().__init__()
        self._awaited = awaited
        self.told = asyncio.Event()

    def write(self, text: str, /) -> int:
        """Write, and signal if the text was awaited."""
        if self._awaited in text:
            self.told.set()
        return super().write(text)


@pytest.mark.parametrize("demo_url", ["postgresql"], indirect=True)
async def test_the_runner_outlives_what_nobody_expected(on_both: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed round is logged and the next one does the work; stopping closes the store."""
    monkeypatch.setattr("openers.server.DUE_EVERY_S", 0.01)
    url = on_both.service.settings.database_url
    broken, mended = Heard("due work failed unexpectedly"), Heard('"kind":"unknown"')

    async def open_it() -> Service:
        return on_both.service

    application = Application(open_it)
    configure(stream=broken)
    await execute(url, "ALTER TABLE due RENAME COLUMN kind TO hidden")
    await application.start()
    await asyncio.wait_for(broken.told.wait(), HANGS_AFTER_S)
    configure(stream=mended)
    await execute(url, "INSERT INTO due VALUES ('unknown', 'item', 0, 0, 0)")
    await execute(url, "ALTER TABLE due RENAME COLUMN hidden TO kind")
    await asyncio.wait_for(mended.told.wait(), HANGS_AFTER_S)
    await application.stop()
    with pytest.raises(Unavailable):
        await on_both.service.world.store.check()
