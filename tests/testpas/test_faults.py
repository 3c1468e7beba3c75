"""Each fault has its documented effect, and none loses or invents a booking."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest

from openers_testpas.faults import Fault, FaultKind, Faults, Operation
from tests.kit.run.waiting import until_it
from tests.testpas.hospital import Process
from tests.testpas.subject import Subject, matches, problem

pytestmark = pytest.mark.anyio


@pytest.fixture
def play(process: Process) -> Any:
    """Provide a function that sets faults in the shared process until the end of the test."""

    def put(*faults: dict[str, Any]) -> None:
        process.control("PUT", "/faults", json={"faults": faults})

    yield put
    put()


@pytest.fixture
def subject(live_subject: Subject) -> Subject:
    return live_subject


async def test_a_dropped_connection_leaves_the_booking(subject: Subject, play: Any) -> None:
    [slot] = await subject.free()
    key = str(uuid4())
    play({"kind": "drop", "count": 1})
    with pytest.raises(httpx.TransportError) as raised:
        await subject.book(slot, key)
    assert not isinstance(raised.value, httpx.TimeoutException)
    [held] = matches(await subject.look_up(key))
    assert held["status"] == "booked"
    again = await subject.book(slot, key)
    assert (again.status_code, again.json()) == (200, held)


async def test_a_dropped_cancellation_has_cancelled(subject: Subject, play: Any) -> None:
    [slot] = await subject.free()
    key = str(uuid4())
    booked = (await subject.book(slot, key)).json()
    play({"kind": "drop", "operations": ["cancel"], "slot": slot["id"]})
    with pytest.raises(httpx.TransportError):
        await subject.cancel(booked)
    assert matches(await subject.look_up(key))[0]["status"] == "cancelled"


@pytest.mark.parametrize("after", [False, True])
async def test_a_hanging_call_never_answers(subject: Subject, play: Any, after: bool) -> None:
    [slot] = await subject.free()
    key = str(uuid4())
    play({"kind": "hang", "after": after})
    call = asyncio.create_task(subject.book(slot, key))

    async def _is_as_ordered() -> bool:
        return (await subject.look_up(key))["total"] == int(after)

    await until_it(_is_as_ordered, "no booking")
    assert not call.done()
    call.cancel()
    await asyncio.wait([call])


@pytest.mark.parametrize("after", [False, True])
async def test_an_error_may_hide_a_booking(subject: Subject, play: Any, after: bool) -> None:
    [slot] = await subject.free()
    key = str(uuid4())
    play({"kind": "error", "after": after})
    assert problem(await subject.book(slot, key)) == (500, "exception")
    assert (await subject.look_up(key))["total"] == int(after)


async def test_a_refusal_books_nothing(subject: Subject, play: Any) -> None:
    [slot] = await subject.free()
    key = str(uuid4())
    play({"kind": "refuse", "slot": slot["id"]})
    assert problem(await subject.book(slot, key)) == (409, "conflict")
    assert (await subject.look_up(key))["total"] == 0
    play()
    assert (await subject.book(slot, key)).status_code == 201


@pytest.mark.parametrize("after", [False, True])
async def test_a_slow_call_takes_its_time(subject: Subject, play: Any, after: bool) -> None:
    [slot] = await subject.free()
    play({"kind": "slow", "ms": 150, "after": after})
    began = monotonic()
    assert (await subject.book(slot)).status_code == 201
    assert monotonic() - began >= 0.15


async def test_a_request_that_arrives_twice_books_once(subject: Subject, play: Any, process: Process) -> None:
    [slot] = await subject.free()
    key = str(uuid4())
    play({"kind": "twice", "count": 1})
    before = process.control("GET", "/state")["second_answers"]
    assert (await subject.book(slot, key)).status_code == 201
    assert (await subject.look_up(key))["total"] == 1
    assert process.control("GET", "/state")["second_answers"] == [*before, 200]


async def test_any_operation_can_fail(subject: Subject, play: Any) -> None:
    [slot] = await subject.free()
    booked = (await subject.book(slot)).json()
    play({"kind": "error", "operations": ["slots", "look-up", "cancel"]})
    assert problem(await subject.cancel(booked))[0] == 500
    assert (
        problem(await subject.get("/Slot", [("schedule.actor:identifier", "http://fhir.nhs.net/Id/ers-service|1")]))[0]
        == 500
    )


async def test_a_fault_of_a_slot_leaves_other_slots_alone(subject: Subject, play: Any) -> None:
    slot, other = await subject.free(2)
    play({"kind": "error", "slot": slot["id"]})
    assert (await subject.book(other)).status_code == 201
    assert (await subject.book(slot)).status_code == 500


async def test_a_count_is_used_up(subject: Subject, play: Any, process: Process) -> None:
    [slot] = await subject.free()
    play({"kind": "error", "count": 2})
    assert [(await subject.book(slot)).status_code for _ in range(3)] == [500, 500, 201]
    assert process.control("GET", "/faults")["faults"][0]["count"] == 0


async def test_a_share_hits_about_that_share_and_always_the_same() -> None:
    def hits() -> list[bool]:
        faults = Faults(7, (Fault(kind=FaultKind.ERROR, share=0.3),))
        return [faults.draw(Operation.BOOK, None) is not None for _ in range(1000)]

    assert hits() == hits()
    assert 250 < sum(hits()) < 350
