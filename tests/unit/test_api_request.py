"""Reading a body from ASGI: whole or in parts, within the size limit and the time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
from tests.kit.run.waiting import SkippingLoop

from openers.api.http.request import SLOWEST_BYTES_PER_S, ClientGone, Incoming, Stop

MOST = 8


def server_with(*messages: dict[str, Any]) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return a receive function that gives these messages, then waits for ever."""
    left = list(messages)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    """Return one message with a part of a body."""
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.fixture
def skipping(monkeypatch: pytest.MonkeyPatch) -> Generator[asyncio.Runner]:
    """Provide a runner with a clock that moves only during waits, and skips to their end."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        monkeypatch.setattr("openers.api.http.request.perf_counter", runner.get_loop().time)
        yield runner


async def read(*messages: dict[str, Any]) -> bytes:
    return await Incoming(server_with(*messages), MOST, within_s=0.01).whole()


async def pieces(*messages: dict[str, Any]) -> list[bytes]:
    return [piece async for piece in Incoming(server_with(*messages), MOST, within_s=0.01).chunks()]


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([part(b"12345678")], id="whole"),
        pytest.param([part(b"1234", more=True), part(b"5678")], id="in parts"),
        pytest.param([part(b"12345678", more=True), part(b"")], id="with an empty end"),
    ],
)
def test_a_body_as_long_as_allowed_is_read(messages: list[dict[str, Any]]) -> None:
    assert asyncio.run(read(*messages)) == b"12345678"


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        pytest.param([part(b"123456789")], 413, id="whole"),
        pytest.param([part(b"12345", more=True), part(b"6789")], 413, id="in parts"),
        pytest.param([part(b"123456789", more=True)], 413, id="before its end"),
        pytest.param([part(b"1234", more=True)], 408, id="without an end"),
    ],
)
def test_a_body_that_is_too_long_or_too_late_is_refused(messages: list[dict[str, Any]], status: int) -> None:
    with pytest.raises(Stop) as stop:
        asyncio.run(read(*messages))
    assert stop.value.problem.status == status


def test_nobody_waits_for_a_client_that_has_gone() -> None:
    with pytest.raises(ClientGone):
        asyncio.run(read(part(b"1", more=True), {"type": "http.disconnect"}))


def test_a_file_arrives_in_pieces_of_any_length() -> None:
    parts = (part(b"12345678", more=True), part(b"", more=True), part(b"9", more=True), part(b""))
    assert asyncio.run(pieces(*parts)) == [b"12345678", b"9"]


def test_a_file_that_stops_arriving_is_refused() -> None:
    with pytest.raises(Stop) as stop:
        asyncio.run(pieces(part(b"1", more=True)))
    assert stop.value.problem.status == 408


def test_a_file_that_ends_too_early_is_nobodys() -> None:
    with pytest.raises(ClientGone):
        asyncio.run(pieces(part(b"1", more=True), {"type": "http.disconnect"}))


def test_a_file_that_dribbles_in_is_refused(skipping: asyncio.Runner) -> None:
    """An upload that sends each byte in time, but takes too long for its size, gets 408."""

    async def dribble() -> dict[str, Any]:
        await asyncio.sleep(4)
        return part(b"1", more=True)

    async def read() -> int:
        count = 0
        async for _ in Incoming(dribble, MOST, within_s=10).chunks():
            count += 1
            assert count <= 2, "it is held open"
        return count

    with pytest.raises(Stop) as stop:
        skipping.run(read())
    assert stop.value.problem.status == 408


def test_a_file_may_take_as_long_as_it_is_large(skipping: asyncio.Runner) -> None:
    """A large upload may take longer, in proportion to its size."""

    async def arrive() -> dict[str, Any]:
        await asyncio.sleep(0.9)
        return part(b"1" * SLOWEST_BYTES_PER_S, more=bool(left.pop()))

    async def read() -> int:
        return sum([len(piece) async for piece in Incoming(arrive, MOST, within_s=10).chunks()])

    left = list(range(200))
    assert skipping.run(read()) == 200 * SLOWEST_BYTES_PER_S


def test_a_body_that_never_begins_is_refused() -> None:
    with pytest.raises(Stop) as stop:
        asyncio.run(read())
    assert stop.value.problem.status == 408
