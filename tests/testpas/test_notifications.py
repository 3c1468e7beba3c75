"""Notifications: the service gets each act of the hospital in order and once, even after a long outage."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest

from openers_testpas.outbound.notifications import Pauses
from openers_testpas.outbound.outbox import State
from tests.kit.service.live import free_port
from tests.testpas.hospital import Hospital, as_process, in_process, options_for, subject_at
from tests.testpas.referral_service import ReferralService, listening
from tests.testpas.subject import BOOKING_KEY, Subject, matches

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hospital(service: ReferralService, tmp_path: Path) -> AsyncGenerator[Hospital]:
    """Run a Test PAS whose notifications the tests read."""
    async with in_process(options_for(service, tmp_path), service) as hospital:
        yield hospital


async def _booked(subject: Subject) -> dict[str, Any]:
    [slot] = await subject.free()
    return (await subject.book(slot)).json()


async def _received(service: ReferralService, count: int) -> list[dict[str, Any]]:
    return await anyio.to_thread.run_sync(service.wait_for, count)


async def _settled(hospital: Hospital, appointment: str) -> State:
    """Return the state of the latest notification, once it is known."""
    with anyio.fail_after(30):
        while (latest := hospital.system.outbox.latest(appointment)[0]).state is State.WAITING:
            await anyio.lowlevel.checkpoint()
    return latest.state


async def test_each_act_is_told_as_the_appointment_now_is(hospital: Hospital, service: ReferralService) -> None:
    bookings, subject = hospital.system.bookings, hospital.subject
    cancelled, missed, kept, moved = [await _booked(subject) for _ in range(4)]
    bookings.cancel_by_hospital(cancelled["id"], "PRIORITY_CHANGE", "Seen elsewhere")
    bookings.mark_not_attended(missed["id"], "PATIENT_FORGOT")
    bookings.mark_arrived(kept["id"])
    [another] = await subject.free()
    bookings.move(moved["id"], another["id"])
    told = {each["id"]: each for each in await _received(service, 4)}
    assert {each["status"] for each in told.values()} == {"cancelled", "noshow", "arrived", "booked"}
    for before in (cancelled, missed, kept, moved):
        now = told[before["id"]]
        assert now["resourceType"] == "Appointment"
        assert now["identifier"][0] == before["identifier"][0]
        assert now["identifier"][0]["system"] == BOOKING_KEY
        assert int(now["meta"]["versionId"]) == int(before["meta"]["versionId"]) + 1
    reason = told[cancelled["id"]]["cancelationReason"]["coding"][0]
    assert reason["code"] == "PRIORITY_CHANGE"
    assert reason["system"].endswith("/CodeSystem/APPOINTMENT-CANCELLATION-REASON")
    assert told[cancelled["id"]]["comment"] == "Seen elsewhere"
    reason = told[missed["id"]]["cancelationReason"]["coding"][0]
    assert reason["code"] == "PATIENT_FORGOT"
    assert reason["system"].endswith("/CodeSystem/APPOINTMENT-NON-ATTENDANCE-REASON")
    assert told[moved["id"]]["slot"] == [{"reference": f"Slot/{another['id']}"}]
    assert told[moved["id"]]["start"] == another["start"]
    assert set(service.bearers) == {f"Bearer {service.tokens[0]}"}


async def test_what_the_service_did_itself_it_is_not_told(hospital: Hospital) -> None:
    booked = await _booked(hospital.subject)
    await hospital.subject.cancel(booked)
    assert hospital.system.outbox.latest(booked["id"]) == []


async def test_a_moved_appointment_leaves_its_slot_free(hospital: Hospital, service: ReferralService) -> None:
    slot, another = await hospital.subject.free(2)
    booked = (await hospital.subject.book(slot)).json()
    hospital.system.bookings.move(booked["id"], another["id"])
    assert (await hospital.subject.book(slot)).status_code == 201
    assert (await hospital.subject.book(another)).status_code == 409
    assert len(await _received(service, 1)) == 1


@pytest.mark.parametrize("act", ["arrived", "not attended"])
async def test_who_came_or_did_not_can_no_longer_be_cancelled(hospital: Hospital, act: str) -> None:
    booked = await _booked(hospital.subject)
    if act == "arrived":
        hospital.system.bookings.mark_arrived(booked["id"])
    else:
        hospital.system.bookings.mark_not_attended(booked["id"], "UNKNOWN")
    assert (await hospital.subject.cancel(booked)).status_code == 409


@pytest.mark.parametrize("status", [500, 502, 503, 302, 408, 429])
async def test_what_failed_is_sent_again(hospital: Hospital, service: ReferralService, status: int) -> None:
    service.answers.extend([status, status])
    booked = await _booked(hospital.subject)
    hospital.system.bookings.mark_arrived(booked["id"])
    assert [each["id"] for each in await _received(service, 3)] == [booked["id"]] * 3
    assert await _settled(hospital, booked["id"]) is State.TAKEN


@pytest.mark.parametrize("status", [400, 404, 409, 422])
async def test_what_was_refused_is_not_sent_again(hospital: Hospital, service: ReferralService, status: int) -> None:
    service.answers.append(status)
    booked = await _booked(hospital.subject)
    hospital.system.bookings.mark_arrived(booked["id"])
    assert await _settled(hospital, booked["id"]) is State.REFUSED
    assert len(service.received) == 1


async def test_a_token_that_is_refused_is_replaced(hospital: Hospital, service: ReferralService) -> None:
    service.answers.append(401)
    booked = await _booked(hospital.subject)
    hospital.system.bookings.mark_arrived(booked["id"])
    assert await _settled(hospital, booked["id"]) is State.TAKEN
    assert service.bearers == [f"Bearer {token}" for token in service.tokens]
    assert len(service.tokens) == 2


async def test_news_of_one_appointment_come_in_order(hospital: Hospital, service: ReferralService) -> None:
    service.answers.extend([503, 503, 503])
    booked = await _booked(hospital.subject)
    slots = await hospital.subject.free(3)
    for slot in slots:
        hospital.system.bookings.move(booked["id"], slot["id"])
    hospital.system.bookings.mark_arrived(booked["id"])
    versions = [int(each["meta"]["versionId"]) for each in await _received(service, 7)]
    assert versions == [2, 2, 2, 2, 3, 4, 5]


async def test_bookings_and_outbox_survive_crashes_and_a_service_that_is_away(tmp_path: Path) -> None:
    service, key = ReferralService(free_port()), str(uuid4())
    with as_process(options_for(service, tmp_path), tmp_path) as process:
        async with subject_at(process, service) as subject:
            with listening(service):
                [slot] = await subject.free()
                booked = (await subject.book(slot, key)).json()
            process.control("POST", f"/appointments/{key}", json={"act": "not-attended", "reason": "UNKNOWN"})
            process.kill()
            process.start()
            assert process.control("GET", "/state")["notifications"] == {"waiting": 1}
            with listening(service):
                [told] = await _received(service, 1)
                [held] = matches(await subject.look_up(key))
        assert (told["id"], told["status"]) == (booked["id"], "noshow")
        assert held == told
        assert process.stop() in {0, -signal.SIGTERM}, process.log()
        assert "Traceback" not in process.log()


def test_pauses_double_up_to_the_longest() -> None:
    pauses = Pauses(1.0, 300.0)
    assert [pauses.after(attempts) / timedelta(seconds=1) for attempts in (1, 2, 3, 9, 10, 10_000)] == [
        1,
        2,
        4,
        256,
        300,
        300,
    ]
