"""The exchange log: what is logged, who may read it, how much is kept, and what happens if the store fails."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest

from openers.api.exchanges.line import Ended, exported, line_of
from openers.api.exchanges.log import ExchangeLog
from openers.api.http.reply import Reply
from openers.api.http.request import Request
from openers.domain.clock import Instant
from openers.domain.errors import Unavailable
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.domain.identifiers import NhsNumber
from openers.telemetry.metrics import Metrics
from openers.usecases.world import World
from tests.kit.service.administration import ADMIN, PEOPLE, administered, administrator
from tests.kit.service.requests import create_referral
from tests.kit.service.running import CONSULTANT, GP, Running, copied, entry, running, settings_for
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio

LOG: Final = f"{ADMIN}/exchanges"


async def _lines(client: httpx.AsyncClient, cursor: str = "0") -> tuple[list[dict[str, Any]], str]:
    """Return the exchanges after the cursor, and the next cursor."""
    reply = await client.get(LOG, params={"cursor": cursor})
    assert reply.status_code in (200, 204), reply.text
    return [msgspec.json.decode(line) for line in reply.text.split("\n") if line], reply.headers["X-OpenERS-Cursor"]


def _line_of_refusal(run: Running, address: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the line of a call of an application to an address that does not exist."""
    url, world = httpx.URL(f"http://openers.example{address}"), run.service.world.for_call(entry())
    world.entry.application = "test"
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": url.path, "query_string": url.query}
    request = Request({**scope, "headers": sent, "client": None}, "")
    return msgspec.json.decode(exported(line_of(Ended("STU3", request, world, Reply(404, b""), 0.1, 1))))


async def test_calls_of_applications_are_logged_without_content(administered_on_both: Running) -> None:
    """Each call of an application has a line with its facts; no line has a body, a token or a patient's number."""
    run, client = administered_on_both, await administrator(administered_on_both)
    _, cursor = await _lines(client)
    gp, consultant = await run.as_person(GP), await run.as_person(CONSULTANT)
    created = (await gp.post(**create_referral())).json()
    address = f"/STU3/ReferralRequest/{created['id']}"
    etag = (await gp.get(address)).headers["ETag"]
    await consultant.get(address, headers={"If-Match": etag})
    await gp.get("/STU3/Nothing/9990000018?patient=9990000018")
    await run.anonymous().get(address)
    lines, following = await _lines(client, cursor)
    assert [(line.get("op", ""), line["status"]) for line in lines] == [
        ("A011", 201),
        ("A005", 200),
        ("A005", 422),
        ("", 404),
    ]
    creation, reading, refused, unknown = lines
    assert creation["ubrn"] == reading["ubrn"] == refused["ubrn"] == created["id"]
    assert reading["etag"] == etag == refused["ifMatch"]
    assert (reading["user"], reading["function"], reading["org"]) == (GP.user, GP.function, GP.organisation)
    assert reading["logIn"] == "N3_SMARTCARD"
    assert refused["outcomeCode"]
    assert reading["env"] == run.service.settings.world
    assert reading["generation"] == "STU3"
    assert reading["bytes"] > 100
    assert creation["requestBytes"] > 100
    assert all(line["application"] == "demo-user-app" and line["inFlightAtStart"] == 1 for line in lines)
    assert all(line["asid"] and line["sessionId"] and line["requestId"] for line in lines)
    assert (unknown["path"], unknown["parameters"]) == ("/referrals/FHIR/STU3/Nothing/{nhsNumber}", "patient")
    assert following != cursor
    assert await _lines(client, following) == ([], following)


@pytest.mark.parametrize(
    ("address", "path", "parameters"),
    [
        ("/a?page=9990000018", "/a", "page"),
        ("/a?page=999000001&_count=20", "/a", "page,_count=20"),
        ("/a?page=Smith%20J&_count=%C2%B2", "/a", "page,_count"),
        ("/a?9990000018=1&999%20000%200018&999-000-0018&999+000+0018", "/a", ",".join(["{nhsNumber}"] * 4)),
        (f"/a?{'x' * 34}9990000018", "/a", "x" * 34),
        (f"/a?b&{'x' * 1990}9990000018", "/a", "b"),
        ("/a/999%20000%200018/999-000-0018", "/a/{nhsNumber}/{nhsNumber}", ""),
        (f"/{'x' * 193}9990000018", f"/{'x' * 193}", ""),
        ("/a/000000070000", "/a/000000070000", ""),
        ("/b/professionalSession/KEY", "/b/professionalSession/{sessionKey}", ""),
        ("/b/ProfessionalSession//KEY", "/b/ProfessionalSession/{sessionKey}", ""),
    ],
)
async def test_neither_patients_nor_keys_are_logged(service: Running, address: str, path: str, parameters: str) -> None:
    """Numbers of patients are masked in each text that a caller chooses, and keys of sessions in each spelling."""
    texts = {"Accept": "9990000018", "Content-Type": "a; b=999-000-0018", "If-Match": f"{'x' * 196}9990000018"}
    line = _line_of_refusal(service, address, texts)
    assert (line["path"], line.get("parameters", "")) == (path, parameters)
    assert [line["accept"], line["contentType"]] == ["{nhsNumber}", "a; b={nhsNumber}"]
    assert line["ifMatch"] == "x" * 196


@pytest.mark.parametrize("caller", PEOPLE)
async def test_no_person_may_read_the_log(administered_on_both: Running, caller: str) -> None:
    """A person gets 403 in each role that may administer; the application itself reads the log."""
    reply = await (await administrator(administered_on_both, caller)).get(LOG)
    assert (reply.status_code, reply.json()["code"]) == (403, "NOT_ALLOWED")


@pytest.mark.parametrize("cursor", ["x", "-1", "1" * 19, "", "²"])
async def test_a_wrong_cursor_is_refused_with_its_cure(administered_on_both: Running, cursor: str) -> None:
    """The refusal names the parameter."""
    reply = await (await administrator(administered_on_both)).get(LOG, params={"cursor": cursor})
    assert (reply.status_code, reply.json()["place"]) == (400, "cursor")


async def test_a_service_without_the_log_says_so(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """Nothing is logged, and the export names the setting."""
    settings = settings_for(copied(sqlite_template, tmp_path), keys, exchange_log=False)
    async with running(settings) as run:
        client = await administrator(await administered(run))
        await (await run.as_person(GP)).get("/STU3/CodeSystem/PRIORITY")
        await run.service.upkeep()
        reply = await client.get(LOG)
        assert (reply.status_code, reply.json()["code"]) == (404, "LOG_IS_OFF")
        assert "OPENERS_EXCHANGE_LOG" in reply.json()["cure"]
        async with run.service.world.read() as tx:
            assert not await tx.exchanges.after(0, run.service.world.wall.now(), 10)


async def test_the_log_is_bounded_by_size_and_age(on_both: Running) -> None:
    """The oldest batches go first; old ones are no longer returned, and the purge removes them."""
    world, bounds = on_both.service.world, LogBounds(days=2, most_bytes=1000)
    now = world.wall.now() + timedelta(days=1)
    for number in range(8):
        await world.store.log_exchanges(ExchangeBatch(b"%d" % number * 200, 1), now, bounds)
    async with world.read() as tx:
        kept = await tx.exchanges.after(0, now, 10_000)
        first = await tx.exchanges.after(0, now, 10)
        rest = await tx.exchanges.after(kept[1].number, now, 10_000)
        late = await tx.exchanges.after(0, now + timedelta(days=2), 10_000)
    assert [batch.lines[:1] for batch in kept] == [b"3", b"4", b"5", b"6", b"7"]
    assert list(first) == list(kept[:1])
    assert list(rest) == list(kept[2:])
    assert not late
    async with world.for_call(entry()).begin("purge for a test") as tx:
        assert await tx.exchanges.purge(now + timedelta(days=1)) == 0
        assert await tx.exchanges.purge(now + timedelta(days=2)) == len(kept)


async def test_a_page_has_many_small_batches(on_both: Running) -> None:
    """On a quiet service each call has a batch of its own; bytes bound a page, not batches."""
    world = on_both.service.world
    now = world.wall.now()
    for _ in range(300):
        await world.store.log_exchanges(ExchangeBatch(b"x", 1), now, LogBounds())
    async with world.read() as tx:
        assert len(await tx.exchanges.after(0, now, 1000)) == 300


async def test_a_large_batch_takes_the_place_of_many_small_ones(on_both: Running) -> None:
    """The size is bounded also if a service that was quiet for long is busy."""
    world, bounds = on_both.service.world, LogBounds(most_bytes=1000)
    now = world.wall.now()
    for size in (*[10] * 90, 900):
        await world.store.log_exchanges(ExchangeBatch(b"x" * size, 1), now, bounds)
    async with world.read() as tx:
        kept = await tx.exchanges.after(0, now, 10_000)
    assert [len(batch.lines) for batch in kept] == [*[10] * 10, 900]


async def test_batches_expire_in_any_order(on_both: Running) -> None:
    """If the days to keep lines were shortened, new batches expire before older ones."""
    world = on_both.service.world
    now = world.wall.now()
    for days in (9, 2, 5):
        await world.store.log_exchanges(ExchangeBatch(b"x" * 10, 1), now, LogBounds(days=days))
    async with world.for_call(entry()).begin("purge for a test") as tx:
        assert await tx.exchanges.purge(now + timedelta(days=6)) == 2
    async with world.read() as tx:
        assert len(await tx.exchanges.after(0, now, 1000)) == 1


async def test_purges_and_writers_take_turns(on_both: Running) -> None:
    """The noted size is that of the batches, though a purge and the bound of a writer remove the same ones."""
    world, bounds = on_both.service.world, LogBounds(days=1, most_bytes=25)
    now = world.wall.now()

    async def purge() -> None:
        async with world.for_call(entry()).begin("purge for a test") as tx:
            await tx.exchanges.purge(now + timedelta(days=2))

    for _ in range(10):
        writers = [world.store.log_exchanges(ExchangeBatch(b"x" * 10, 1), now, bounds) for _ in range(4)]
        await asyncio.gather(writers[0], purge(), *writers[1:3], purge(), writers[3])
    query = "SELECT size, (SELECT coalesce(sum(size), 0) FROM exchange_batches) FROM exchange_log"
    ((noted, real),) = await fetch(on_both.service.settings.database_url, query)
    assert noted == real


class _Refusing:
    """A store that refuses the first `times` batches."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.stored: list[ExchangeBatch] = []

    async def log_exchanges(self, batch: ExchangeBatch, now: Instant, bounds: LogBounds) -> None:
        """Store a batch, or refuse it."""
        if self.times:
            self.times -= 1
            raise Unavailable("database")
        self.stored.append(batch)


def _world_with(run: Running, store: _Refusing) -> World:
    """Return the world of the service with this store, for calls of an application about a patient."""
    world = run.service.world.for_call(entry())
    world.entry.application, world.entry.nhs_number = "test", NhsNumber("9990000018")
    return msgspec.structs.replace(world, store=store)  # pyright: ignore[reportArgumentType]  # only this method is used


def _end_call(log: ExchangeLog, world: World, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
    """Add a call to the log."""
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "client": None}
    request = Request({**scope, "headers": list(headers)}, "")
    log.end(world, Ended("STU3", request, world, Reply(200, b""), 0.1, log.begin()))


async def test_no_headers_wait_with_a_call(on_both: Running) -> None:
    """While lines wait, the headers of their calls, which may be large and have tokens, are gone."""
    log, world = ExchangeLog(Metrics()), _world_with(on_both, _Refusing(0))
    tracemalloc.start()
    for number in range(50):
        _end_call(log, world, [(b"authorization", b"%d" % number * 50_000)])
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 500_000


async def test_only_the_regular_attempts_count(on_both: Running) -> None:
    """Many exports while the store fails drop nothing."""
    store = _Refusing(40)
    log, world = ExchangeLog(Metrics()), _world_with(on_both, store)
    _end_call(log, world)
    for _ in range(41):
        await log.settle()
    assert [batch.count for batch in store.stored] == [1]


class _Slow(_Refusing):
    """A store that stores a batch when it is told to."""

    def __init__(self) -> None:
        super().__init__(0)
        self.begun, self.told = asyncio.Event(), asyncio.Event()

    async def log_exchanges(self, batch: ExchangeBatch, now: Instant, bounds: LogBounds) -> None:
        """Wait, and store a batch."""
        self.begun.set()
        await self.told.wait()
        await super().log_exchanges(batch, now, bounds)


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_second_attempt_waits_for_the_first(on_both: Running, *, is_cancelled: bool) -> None:
    """Whoever settles finds all lines stored once, also if another attempt was under way or was cancelled."""
    store = _Slow()
    log, world = ExchangeLog(Metrics()), _world_with(on_both, store)
    _end_call(log, world)
    first = asyncio.create_task(log.settle())
    await store.begun.wait()
    if is_cancelled:
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
    second = asyncio.create_task(log.settle())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not second.done()
    _end_call(log, world)
    store.told.set()
    await second
    assert [batch.count for batch in store.stored] == [1, 1]


@pytest.mark.parametrize(
    ("refusals", "most", "stored", "dropped"), [(2, 10_000, 4, 0), (40, 10_000, 0, 4), (2, 1, 2, 2)]
)
async def test_a_log_that_cannot_keep_up_drops_and_counts(
    on_both: Running, refusals: int, most: int, stored: int, dropped: int
) -> None:
    """Lines wait while the store fails, up to a number of attempts and of calls; the rest is dropped and counted."""
    metrics, store = Metrics(), _Refusing(refusals)
    log, world = ExchangeLog(metrics, most_waiting=most), _world_with(on_both, store)
    for _ in range(4):
        _end_call(log, world)
        await log.settle(may_drop=True)
    for _ in range(40):
        await log.settle(may_drop=True)
    assert sum(batch.count for batch in store.stored) == stored
    assert f"openers_exchanges_dropped_total {dropped}.0" in metrics.render().decode()
    assert not any(b"9990000018" in batch.lines for batch in store.stored)
