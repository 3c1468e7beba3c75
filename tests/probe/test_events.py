"""Following events, from a number on or as a stream: no gaps, even if an event becomes visible late."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from openers.api.events.stream import stream
from openers.domain.events import Event
from openers.usecases.events.feed import GIVEN_UP_AFTER_S, MOST_MISSING, Feed
from openers.usecases.ports.transaction import Tx
from tests.kit.service.arrangements import Stopwatch
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 24, tzinfo=UTC)


class Log:
    """Events by number, in the role of a transaction."""

    def __init__(self, *numbers: int) -> None:
        """Start with these visible events."""
        self.numbers = sorted(numbers)
        self.events = self

    async def since(self, number: int) -> Sequence[Event]:
        """Return the events after `number`."""
        return [
            Event(act="book", at=AT, by="x", kind="referral", key="1", version=3, number=each)
            for each in self.numbers
            if each > number
        ]

    @property
    def tx(self) -> Tx:
        """This log as a transaction."""
        return cast("Tx", self)


async def numbers(feed: Feed, log: Log, after: int = 0) -> list[int]:
    """Return the numbers of the events that the feed returns."""
    return [each.number for each in await feed.after(after, log.tx)]


async def test_events_come_in_order(probed_on_both: Running) -> None:
    gp, pages = await probed_on_both.as_person(GP), probed_on_both.pages()
    for _ in range(3):
        assert (await gp.post(**create_referral())).status_code == 201
    events = (await pages.get("/_test/events")).json()["events"]
    assert [(each["act"], each["by"], each["version"], each["world"]) for each in events] == [
        ("create", GP.user, 3, "demo")
    ] * 3
    (last,) = (await pages.get(f"/_test/events?since={events[1]['number']}")).json()["events"]
    assert last == events[2]
    page = await pages.get("/_test/events", headers={"Accept": "text/html"})
    assert all(each["key"] in page.text for each in events)


async def test_the_feed_stops_before_a_number_that_is_missing() -> None:
    watch = Stopwatch()
    feed, log = Feed(watch), Log(1, 2, 4, 5)
    assert await numbers(feed, log) == [1, 2]
    watch.seconds += GIVEN_UP_AFTER_S / 2
    log.numbers = [1, 2, 3, 4, 5]
    assert await numbers(feed, log) == [1, 2, 3, 4, 5]


async def test_a_number_that_stays_missing_is_given_up() -> None:
    watch = Stopwatch()
    feed, log = Feed(watch), Log(2, 5)
    assert await numbers(feed, log) == []
    watch.seconds += GIVEN_UP_AFTER_S
    assert await numbers(feed, log) == [2]
    assert await numbers(feed, log, after=2) == []
    watch.seconds += GIVEN_UP_AFTER_S
    assert await numbers(feed, log) == [2, 5]


async def test_a_reader_behind_many_missing_numbers_goes_on() -> None:
    watch = Stopwatch()
    feed = Feed(watch)
    for number in range(2, 2 * MOST_MISSING, 2):
        await numbers(feed, Log(number), after=number - 2)
    log = Log(2)
    assert await numbers(feed, log) == []
    watch.seconds += GIVEN_UP_AFTER_S
    assert await numbers(feed, log) == [2]


async def test_the_stream_goes_on_and_ends_when_the_service_stops(probed: Running) -> None:
    gp, ends = await probed.as_person(GP), asyncio.Event()
    told = stream((probed.service.world, "demo"), 0, ends, _stays)
    assert await anext(told) == b"retry: 1000\n\n"
    for number in (1, 2):
        assert (await gp.post(**create_referral())).status_code == 201
        head, data, *rest = (await anext(told)).decode().split("\n")
        assert (head, rest) == (f"id: {number}", ["", ""])
        assert json.loads(data.removeprefix("data: "))["act"] == "create"
    ends.set()
    assert [each async for each in told] == []


async def test_the_stream_ends_when_the_reader_has_gone(probed: Running) -> None:
    asked: list[bool] = []

    async def _goes() -> bool:
        asked.append(True)
        return len(asked) > 2

    told = stream((probed.service.world, "demo"), 0, asyncio.Event(), _goes)
    assert [each async for each in told] == [b"retry: 1000\n\n"]


@pytest.mark.parametrize(("query", "header"), [("?since=1", {}), ("?since=0", {"Last-Event-ID": "1"})])
async def test_a_reader_that_comes_again_has_nothing_twice(probed: Running, query: str, header: Any) -> None:
    """The Last-Event-ID header, which browsers send automatically, overrides the address."""
    gp = await probed.as_person(GP)
    for _ in range(2):
        await gp.post(**create_referral())
    lines = await first_events(probed, query, header, 1)
    assert [each for each in lines if each.startswith("id: ")] == ["id: 2"]


async def first_events(run: Running, query: str, headers: dict[str, str], count: int) -> list[str]:
    """Return the lines of the stream up to `count` events, then disconnect."""
    seen, gone = bytearray(), asyncio.Event()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/_test/events",
        "raw_path": b"/_test/events",
        "query_string": query.removeprefix("?").encode(),
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"accept", b"text/event-stream"),
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ],
    }

    async def _receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def _send(message: Any) -> None:
        seen.extend(message.get("body", b""))
        if seen.count(b"data: ") >= count:
            gone.set()

    await run.service.pages(scope, _receive, _send)
    return seen.decode().split("\n")


async def _stays() -> bool:
    return False
