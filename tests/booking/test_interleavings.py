"""Two acts on one referral, the first held back at the PAS: each act is complete afterwards or has changed nothing.

Source: rules chapter 3.4; the decision on sagas.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import accumulate
from typing import NamedTuple

import httpx
import pytest

from tests.kit.referrals.held import HeldPas, held
from tests.kit.referrals.rig import Json, Rig, code
from tests.kit.referrals.rows import acts, claimed, rows, states

pytestmark = pytest.mark.anyio

LOCKED, TRIAGE = (423, "REFERRAL_LOCKED"), "11004"


class Scene(NamedTuple):
    """A service, the same service with a PAS that holds replies back, an unbooked referral and three slots."""

    quick: Rig
    slow: Rig
    pas: HeldPas
    referral: Json
    slots: list[Json]


@pytest.fixture
async def scene(booking: Rig) -> Scene:
    """Create the scene on each kind of database."""
    await booking.add_slots(3)
    slow, pas = await held(booking)
    return Scene(booking, slow, pas, await booking.refer(), await booking.free())


RISES = {"book": 2, "defer to the provider": 2, "cancel the appointment": 1}
"""The number of versions that each act adds to a referral."""


async def meanwhile(
    scene: Scene, first: Awaitable[httpx.Response], other: Callable[[], Awaitable[httpx.Response]]
) -> tuple[httpx.Response, httpx.Response]:
    """Run `other` while `first` waits for its PAS; return both replies. `other` must change nothing."""
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_of(first))
        await scene.pas.waits()
        before = await rows(scene.quick)
        reply = await other()
        assert await rows(scene.quick) == before
        scene.pas.go.set()
    return waiting.result(), reply


async def _of(awaited: Awaitable[httpx.Response]) -> httpx.Response:
    return await awaited


async def consistent(scene: Scene, state: str, expected: list[str]) -> None:
    """Check that referral, history, slots, claims, events and the PAS agree."""
    quick, ubrn = scene.quick, scene.referral["id"]
    now = await quick.read(scene.referral)
    assert now["extension"][-1]["extension"][0]["valueCoding"]["code"] == state
    versions = list(accumulate((RISES[each] for each in expected), initial=3))
    assert int(now["meta"]["versionId"]) == versions[-1]
    assert [each[0] for each in await acts(quick) if each[1] == ubrn] == expected
    kept = [row for row in (await rows(quick, "history"))["history"] if row[1] == ubrn]
    assert sorted(row[2] for row in kept) == versions[:-1]
    assert await claimed(quick) == 0
    live = [each for each in quick.pas.appointments.values() if each["status"] == "booked"]
    assert len(live) == list((await states(quick)).values()).count("BOOKED") == (state == "BOOKED")
    assert "HELD" not in (await states(quick)).values()


@pytest.mark.parametrize("same", [True, False])
async def test_two_bookings_of_one_referral(scene: Scene, same: bool) -> None:
    """The second booking gets 423, for the same slot or another one."""
    slot = scene.slots[0 if same else 1]
    first, second = await meanwhile(
        scene, scene.slow.book(scene.referral, scene.slots[0]), lambda: scene.quick.book(scene.referral, slot)
    )
    assert (first.status_code, code(second)) == (201, LOCKED)
    await consistent(scene, "BOOKED", ["book"])
    assert code(await scene.quick.book(scene.referral, scene.slots[2])) == (409, "VERSION_CONFLICT")
    await consistent(scene, "BOOKED", ["book"])


async def test_two_referrals_for_one_slot(scene: Scene) -> None:
    """The second referral gets SLOT_NOT_AVAILABLE."""
    other = await scene.quick.refer()
    first, second = await meanwhile(
        scene, scene.slow.book(scene.referral, scene.slots[0]), lambda: scene.quick.book(other, scene.slots[0])
    )
    assert (first.status_code, code(second)) == (201, (422, "SLOT_NOT_AVAILABLE"))
    await consistent(scene, "BOOKED", ["book"])


@pytest.mark.parametrize("reason", ["BOOKING_ATTEMPT_PROBLEM", "TRIAGE"])
async def test_a_booking_against_a_deferral(scene: Scene, reason: str) -> None:
    """During the booking, the deferral gets 423."""
    chosen = (TRIAGE,) if reason == "TRIAGE" else ()
    first, second = await meanwhile(
        scene,
        scene.slow.book(scene.referral, scene.slots[0]),
        lambda: scene.quick.defer(scene.referral, reason, *chosen),
    )
    assert (first.status_code, code(second)) == (201, LOCKED)
    await consistent(scene, "BOOKED", ["book"])


async def test_a_deferral_against_a_booking(scene: Scene) -> None:
    """After a deferral, a booking with the old version gets 409. With the new version it gets INVALID_REQUEST_STATE."""
    assert (await scene.quick.defer(scene.referral, "BOOKING_ATTEMPT_PROBLEM")).status_code == 201
    before = await rows(scene.quick)
    assert code(await scene.quick.book(scene.referral, scene.slots[0])) == (409, "VERSION_CONFLICT")
    now = await scene.quick.read(scene.referral)
    assert code(await scene.quick.book(now, scene.slots[0])) == (422, "INVALID_REQUEST_STATE")
    assert await rows(scene.quick) == before
    assert not scene.quick.pas.appointments
    await consistent(scene, "DEFERRED_TO_PROVIDER", ["defer to the provider"])


async def test_a_cancellation_against_a_booking_and_another_cancellation(scene: Scene) -> None:
    """During the first cancellation the second one gets 423. Afterwards both other acts get a version conflict."""
    appointment = (await scene.quick.book(scene.referral, scene.slots[0])).json()
    now = await scene.quick.read(scene.referral)
    first, second = await meanwhile(
        scene,
        scene.slow.cancel(appointment, "PATIENT_ILL"),
        lambda: scene.quick.cancel(appointment, "PATIENT_HOLIDAY"),
    )
    assert (first.status_code, code(second)) == (200, LOCKED)
    await consistent(scene, "APPT_CANCELLED_BY_PATIENT", ["book", "cancel the appointment"])
    before = await rows(scene.quick)
    assert code(await scene.quick.book(now, scene.slots[1])) == (409, "VERSION_CONFLICT")
    assert code(await scene.quick.cancel(appointment, "PATIENT_ILL")) == (409, "VERSION_CONFLICT")
    assert await rows(scene.quick) == before


async def test_a_booking_while_a_cancellation_is_under_way(scene: Scene) -> None:
    """During the cancellation, the booking gets 423."""
    appointment = (await scene.quick.book(scene.referral, scene.slots[0])).json()
    now = await scene.quick.read(scene.referral)
    first, second = await meanwhile(
        scene, scene.slow.cancel(appointment, "PATIENT_ILL"), lambda: scene.quick.book(now, scene.slots[1])
    )
    assert (first.status_code, code(second)) == (200, LOCKED)
    await consistent(scene, "APPT_CANCELLED_BY_PATIENT", ["book", "cancel the appointment"])


async def test_a_stale_version_while_a_booking_is_under_way(scene: Scene) -> None:
    """The second booking gets a lock or a version conflict, and changes nothing."""
    stale = [{"reference": f"ReferralRequest/{scene.referral['id']}/_history/2"}]
    first, second = await meanwhile(
        scene,
        scene.slow.book(scene.referral, scene.slots[0]),
        lambda: scene.quick.book(scene.referral, scene.slots[1], incomingReferral=stale),
    )
    assert first.status_code == 201
    assert code(second) in (LOCKED, (409, "VERSION_CONFLICT"))
    await consistent(scene, "BOOKED", ["book"])


async def test_a_cancellation_that_the_sweeper_finished(scene: Scene) -> None:
    """The caller gets UNABLE_TO_CANCEL_APPOINTMENT. The appointment was cancelled exactly once."""
    appointment = (await scene.quick.book(scene.referral, scene.slots[0])).json()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(scene.slow.cancel(appointment, "PATIENT_ILL"))
        await scene.pas.waits()
        assert await scene.quick.sweep() == []
        scene.pas.go.set()
    assert code(waiting.result()) == (422, "UNABLE_TO_CANCEL_APPOINTMENT")
    await consistent(scene, "APPT_CANCELLED_BY_PATIENT", ["book", "cancel the appointment"])


async def test_many_at_once(scene: Scene) -> None:
    """Of five bookings and five deferrals at the same time, exactly one succeeds."""
    rig, referral = scene.quick, scene.referral
    tried = [rig.book(referral, scene.slots[number % 3]) for number in range(5)]
    tried += [rig.defer(referral, "BOOKING_ATTEMPT_PROBLEM") for _ in range(5)]
    replies = await asyncio.gather(*tried)
    done = [each.json()["status"] for each in replies if each.status_code == 201]
    assert len(done) == 1
    assert {each.status_code for each in replies} <= {201, 409, 422, 423}
    if done == ["booked"]:
        await consistent(scene, "BOOKED", ["book"])
    else:
        await consistent(scene, "DEFERRED_TO_PROVIDER", ["defer to the provider"])
