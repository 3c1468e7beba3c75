"""Acts that cancel a booking in a PAS: failures of the PAS, concurrent acts, and recovery by the sweeper.

Source: rules chapters 2.6, 3.4, 4 (A014, A022, A036) and 7; the decisions on sagas and claims.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import pytest

from tests.kit.referrals.cast import Cast, gathered
from tests.kit.referrals.held import held
from tests.kit.referrals.rig import Json, code
from tests.kit.referrals.rows import claimed
from tests.kit.referrals.words import LATER, document, state_of, uploaded

pytestmark = pytest.mark.anyio

SAGAS: Final = ("A014", "A022", "A036")
AFTERWARDS: Final = {"A014": "REJECTED", "A022": "TRIAGED_PROVIDER_TO_ACTION", "A036": "CANCELLED_REFERRAL"}
REFUSED: Final = {
    "A014": (422, "UNABLE_TO_CANCEL_APPOINTMENT"),
    "A022": (502, "PAS_RESPONDED_WITH_ERROR"),
    "A036": (502, "PAS_RESPONDED_WITH_ERROR"),
}


@pytest.mark.parametrize("fault", ["500", "409"])
@pytest.mark.parametrize("number", SAGAS)
async def test_a_pas_that_refuses(cast: Cast, number: str, fault: str) -> None:
    """The booking stays, nothing changes, and a retry succeeds. A014 returns 422, because it has no 502 (rules 2.5)."""
    referral = await cast.booked()
    before = await cast.rows()
    cast.rig.pas.fault = fault
    try:
        assert code(await cast.do(number, referral)) == REFUSED[number]
    finally:
        cast.rig.pas.fault = ""
    assert await cast.rows() == before
    assert (await cast.do(number, referral)).status_code == 200


@pytest.mark.parametrize("fault", ["drop", "hang"])
@pytest.mark.parametrize("number", SAGAS)
async def test_a_pas_that_is_not_heard_of_again(own: Cast, number: str, fault: str) -> None:
    """The service returns 504. Until the sweeper settles the act, the referral is locked and A029 offers nothing."""
    cast = own
    referral = await cast.booked()
    cast.rig.pas.fault = fault
    assert code(await cast.do(number, referral)) == (504, "PAS_NOT_RESPONDING")
    cast.rig.pas.fault = ""
    for other in ("A013", "A014", "A022", "A036"):
        assert code(await cast.do(other, referral)) == (423, "REFERRAL_LOCKED")
    assert await cast.offered(referral, cast.gp) == set()
    assert not await cast.rig.sweep()
    now = await cast.rig.read(referral)
    assert state_of(now)[0] == AFTERWARDS[number]
    assert await claimed(cast.rig) == 0
    assert [each["status"] for each in cast.rig.pas.appointments.values()] == ["cancelled"]


@pytest.mark.parametrize("number", SAGAS)
async def test_an_act_while_another_one_is_under_way(own: Cast, number: str) -> None:
    """The second act gets 423, and the first one succeeds."""
    referral = await own.booked()
    slow, pas = await held(own.rig)
    slowly = await gathered(slow)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(slowly.do(number, referral))
        await pas.waits()
        before = await own.rows()
        for other in ("A012", "A013", "A014", "A022", "A028", "A031", "A032", "A036"):
            assert code(await own.do(other, referral)) == (423, "REFERRAL_LOCKED"), other
        assert await own.rows() == before
        pas.go.set()
    assert first.result().status_code == 200
    assert state_of(await own.rig.read(referral))[0] == AFTERWARDS[number]


async def test_somebody_else_has_settled_it(own: Cast) -> None:
    """If the sweeper completes the cancellation first, the caller gets UNABLE_TO_CANCEL_APPOINTMENT."""
    referral = await own.booked()
    slow, pas = await held(own.rig)
    slowly = await gathered(slow)
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(slowly.do("A036", referral))
        await pas.waits()
        assert not await own.rig.sweep()
        pas.go.set()
    assert code(first.result()) == (422, "UNABLE_TO_CANCEL_APPOINTMENT")
    assert state_of(await own.rig.read(referral))[0] == "CANCELLED_REFERRAL"


async def test_files_come_with_the_act_or_not_at_all(own: Cast) -> None:
    """If the PAS rejects the call, A022 attaches no files. The next attempt can attach the same files."""
    referral = await own.booked()
    file = document("providerAttachmentFile", await uploaded(own.consultant, referral["id"], "plan.txt"))
    own.rig.pas.fault = "500"
    assert code(await own.do("A022", referral, *LATER, file)) == (502, "PAS_RESPONDED_WITH_ERROR")
    own.rig.pas.fault = ""
    assert await own.rig.read(referral) == referral
    now = await own.done("A022", referral, *LATER, file)
    assert [each["resourceType"] for each in now["contained"]].count("DocumentReference") == 1


async def test_a_scan_while_the_pas_is_asked(own: Cast) -> None:
    """If the file is scanned while A022 waits for the PAS, the referral shows the result of the scan."""
    referral = await own.booked()
    slow, pas = await held(own.rig)
    slowly = await gathered(slow)
    file = await uploaded(own.consultant, referral["id"], "plan.txt")
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(slowly.do("A022", referral, *LATER, document("providerAttachmentFile", file)))
        await pas.waits()
        assert not await own.rig.sweep(after=timedelta())
        pas.go.set()
    assert first.result().status_code == 200, first.result().text
    shown: Json = first.result().json()["contained"][-1]["content"][0]["attachment"]
    (status,) = (each for each in shown["extension"] if each["url"].endswith("AvailabilityStatus-1"))
    assert status["valueCoding"]["code"] == "AVAILABLE"
