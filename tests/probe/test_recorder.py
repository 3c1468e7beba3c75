"""Recording changes nothing: whatever the recorder does, replies are the same and never wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, Final

import httpx
import pytest
from structlog.testing import capture_logs

from openers.worlds.recording import recorder as recorders
from openers.worlds.recording.exchange import Exchange, Exchanges, Message
from openers.worlds.recording.recorder import Recorder
from openers.worlds.recording.watched import Watched
from tests.kit.service.requests import create_referral
from tests.kit.service.running import FHIR, GP, Running, copied, open_service, open_test_service, running, settings_for

pytestmark = pytest.mark.anyio
PRIORITY: Final = "/STU3/CodeSystem/PRIORITY"
CREATE: Final = "/STU3/ReferralRequest/$ers.createReferral"
NESTED: Final = tuple(
    (start * depth + middle + end * depth).encode()
    for start, middle, end in (('{"a":', "1", "}"), ("[", "", "]"), ('{"a":[', "", "]}"))
    for depth in (33, 300, 400, 1_000, 100_000)
)
CALLS: Final[tuple[tuple[str, str, bytes], ...]] = (
    ("GET", PRIORITY, b""),
    ("GET", "/STU3/ReferralRequest/000000000001", b""),
    ("GET", "/STU3/Unknown", b""),
    ("POST", CREATE, b"{}"),
    ("POST", CREATE, NESTED[1]),
)


def told(reply: httpx.Response) -> tuple[int, dict[str, str], str]:
    """Return a reply without its request id and link, which differ each time."""
    headers = {name: value for name, value in reply.headers.items() if name not in {"x-request-id", "link"}}
    return reply.status_code, headers, reply.text


async def asked(run: Running) -> list[tuple[int, dict[str, str], str]]:
    """Return the replies to `CALLS`."""
    gp = await run.as_person(GP)
    headers = {"Content-Type": FHIR}
    return [told(await gp.request(method, path, content=body, headers=headers)) for method, path, body in CALLS]


def with_recorder(run: Running, make: Callable[[Watched], Exchange]) -> Recorder:
    """Replace the function that records calls."""
    probe: Any = run.service.edge.loop.observer
    recorder = probe.recorder = Recorder(Exchanges(10), make)
    return recorder


def raising(_watched: Watched) -> Exchange:
    raise RuntimeError("Arkwright of Beck Lane")


async def test_a_recorder_that_raises_changes_no_reply(probed: Running) -> None:
    expected = await asked(probed)
    recorder = with_recorder(probed, raising)
    with capture_logs() as lines:
        assert await asked(probed) == expected
        assert list((await recorder.kept()).of("demo")) == []
    assert [line["error"] for line in lines if line["event"] == "a call could not be recorded"] == ["RuntimeError"] * 5
    assert "Arkwright" not in str(lines)


async def test_a_recorder_that_takes_nothing_changes_no_reply(probed: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await asked(probed)

    def _take(_recorder: Recorder, _watched: Watched) -> None:
        raise MemoryError

    monkeypatch.setattr(Recorder, "take", _take)
    assert await asked(probed) == expected


async def test_a_recorder_that_hangs_holds_up_no_reply(probed: Running) -> None:
    """All calls get replies while the first is still being recorded; afterwards each is found, in order."""
    expected, begun, released = await asked(probed), Event(), Event()

    def _hang(watched: Watched) -> Exchange:
        begun.set()
        released.wait()
        return exchange(watched.request_id)

    recorder = with_recorder(probed, _hang)
    try:
        assert await asked(probed) == expected
        assert await asyncio.to_thread(begun.wait, 60)
        assert list((await recorder.kept(patience_s=0)).of("demo")) == []
    finally:
        released.set()
    assert [each.number for each in (await recorder.kept()).of("demo")] == [5, 4, 3, 2, 1]


async def test_whoever_has_a_reply_finds_its_exchange(probed: Running) -> None:
    gp, pages = await probed.as_person(GP), probed.pages()
    for _ in range(20):
        reply = await gp.get(PRIORITY)
        assert (await pages.get(f"/_test/requests/{reply.headers['x-request-id']}")).status_code == 200


def exchange(name: str) -> Exchange:
    """Return a sample exchange."""
    empty = Message(headers=(), body="", size=0)
    known: dict[str, Any] = {"at": datetime.now(UTC), "took": timedelta(), "method": "GET"}
    known |= {"number": 0, "world": "demo", "path": "/", "query": "", "request": empty, "reply": empty, "status": 200}
    return Exchange(request_id=name, correlation_id="", **known)


def watched(body: bytes) -> Watched:
    """Return a call that sent a body."""
    call = Watched(scope={}, receive=None, world_name="demo", at=datetime.now(UTC), began=0.0)
    call.heard({"body": body})
    return call


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recorder's queue is limited by the number of calls and by the bytes of their bodies."""
    monkeypatch.setattr(recorders, "MOST_HELD", 100)
    begun, released, sizes = Event(), Event(), list[int]()

    def _make(call: Watched) -> Exchange:
        begun.set()
        released.wait()
        sizes.append(call.held)
        return exchange("x")

    recorder = Recorder(Exchanges(10), _make)
    recorder.take(watched(b"x" * 60))
    assert await asyncio.to_thread(begun.wait, 60)
    for _ in range(30):
        recorder.take(watched(b"x" * 60))
    released.set()
    assert [each.number for each in (await recorder.kept()).of("demo")] == list(range(31, 21, -1))
    assert sum(sizes) <= 100 + 60


@pytest.mark.parametrize("open_it", [open_test_service, open_service], ids=["test mode", "production"])
async def test_a_body_of_any_depth_is_refused_at_its_place(
    sqlite_template: Path, tmp_path: Path, keys: Path, open_it: Any
) -> None:
    """A body nested to any depth gets a complete 400, and the inspector still records calls."""
    async with running(settings_for(copied(sqlite_template, tmp_path), keys), open_it=open_it) as run:
        gp = await run.as_person(GP)
        for body in NESTED:
            reply = await gp.post(CREATE, content=body, headers={"Content-Type": FHIR})
            assert reply.status_code == 400
            (issue,) = reply.json()["issue"]
            assert issue["diagnostics"].startswith("The body is nested too deeply (byte ")
        assert (await gp.post(**create_referral())).status_code == 201
        if open_it is open_test_service:
            listed = (await run.pages().get("/_test/requests")).json()["requests"]
            assert [each["status"] for each in listed] == [201, *[400] * len(NESTED)]
            assert (await run.pages().get("/_test/requests/1")).json()["request"]["body"] == "[invalid JSON, 199 bytes]"


@pytest.mark.parametrize("path", ["/_test/faults", "/_test/webhooks"])
async def test_a_body_of_any_depth_is_refused_below_the_test_pages_too(probed: Running, path: str) -> None:
    for body in NESTED:
        reply = await probed.pages().put(path, content=body, headers={"Content-Type": "application/json"})
        assert 400 <= reply.status_code < 500, (path, body[:20], reply.text)
