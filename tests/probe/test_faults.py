"""Simulated faults: the calls that they affect, the caller's reply, and whether the work was done."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from openers.worlds.faults.board import Fault, FaultKind, FaultRefused, Faults, PasCall, Place, check
from tests.kit.referrals.rig import NO_SLOTS, SERVICE, Rig
from tests.kit.service.requests import create_referral
from tests.kit.service.running import GP, Running
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio
PRIORITY = "/STU3/CodeSystem/PRIORITY"
R4_SERVICE = "/R4/HealthcareService/11001"


async def order(run: Running, *faults: dict[str, Any], seed: int = 0) -> httpx.Response:
    """Set these faults in place of all others."""
    return await run.pages().put("/_test/faults", json={"faults": faults, "seed": seed})


def struck(faults: Faults, calls: int, operation: str = "A004") -> list[bool]:
    """Return which of `calls` calls are affected."""
    return [faults.strike(Place.API, operation) is not None for _ in range(calls)]


# --------------------------------------------------------------------------------------------------- the affected calls


def test_a_share_is_the_same_again_for_the_same_seed() -> None:
    series: list[list[bool]] = []
    for seed in (1, 1, 2):
        faults = Faults()
        faults.replace((Fault(kind=FaultKind.ERROR, share=0.5),), seed)
        series.append(struck(faults, 200))
    assert series[0] == series[1] != series[2]
    assert 60 < sum(series[0]) < 140


def test_other_calls_change_nothing_of_a_share() -> None:
    alone, among = Faults(), Faults()
    for faults in (alone, among):
        faults.replace((Fault(kind=FaultKind.ERROR, operations=("A004",), share=0.5),), 7)
    expected = struck(alone, 50)
    found: list[bool] = []
    for _ in range(50):
        assert struck(among, 3, "A005") == [False] * 3
        found += struck(among, 1)
    assert found == expected


def test_a_count_is_kept_to_and_told() -> None:
    faults = Faults()
    faults.replace((Fault(kind=FaultKind.ERROR, count=2), Fault(kind=FaultKind.DROP, count=1)))
    assert [fault and fault.kind for fault in (faults.strike(Place.API, "A004") for _ in range(4))] == [
        FaultKind.ERROR,
        FaultKind.ERROR,
        FaultKind.DROP,
        None,
    ]
    assert [(each.struck, each.left) for each in faults.in_force] == [(2, 0), (1, 0)]


def test_places_keep_apart() -> None:
    faults = Faults()
    faults.replace((Fault(kind=FaultKind.PAS_REFUSED, operations=("book",)), Fault(kind=FaultKind.SLOW_SCAN)))
    assert faults.strike(Place.API, "A016") is None
    assert faults.strike(Place.PAS, PasCall.CANCEL) is None
    assert faults.strike(Place.PAS, PasCall.BOOK) == Fault(kind=FaultKind.PAS_REFUSED, operations=("book",))
    assert faults.strike(Place.SCANNER, "") == Fault(kind=FaultKind.SLOW_SCAN)


def test_late_ones_wait_a_second_unless_told_otherwise() -> None:
    assert (Fault(kind=FaultKind.LATENCY).waits_s, Fault(kind=FaultKind.LATENCY, ms=20).waits_s) == (1.0, 0.02)
    assert (Fault(kind=FaultKind.ERROR).waits_s, Fault(kind=FaultKind.ERROR, ms=20).waits_s) == (0.0, 0.02)


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        (Fault(kind=FaultKind.ERROR, operations=("A999",)), "A999"),
        (Fault(kind=FaultKind.PAS_SILENT, operations=("A016",)), "book"),
        (Fault(kind=FaultKind.SLOW_SCAN, operations=("scan",)), "scan"),
        (Fault(kind=FaultKind.ERROR, services=("x",)), "'x'"),
        (Fault(kind=FaultKind.LATENCY, after=True), "after"),
    ],
)
def test_what_can_t_be_played_is_refused(fault: Fault, named: str) -> None:
    with pytest.raises(FaultRefused, match=named):
        check(fault)


# --------------------------------------------------------------------------------------------------- the caller's reply


@pytest.mark.parametrize("address", [PRIORITY, R4_SERVICE])
@pytest.mark.parametrize(
    ("fault", "status", "retry_after"),
    [
        ({"kind": "too-many-requests", "retry_after_s": 7}, 429, "7"),
        ({"kind": "error"}, 500, None),
        ({"kind": "unavailable", "retry_after_s": 9}, 503, "9"),
    ],
)
async def test_a_refusal_is_as_the_service_would_tell_it(
    probed: Running, address: str, fault: dict[str, Any], status: int, retry_after: str | None
) -> None:
    """A simulated refusal has the form of a real one, and also matches the OpenAPI documents."""
    gp = await probed.as_person(GP)
    assert (await order(probed, {**fault, "count": 1})).status_code == 200
    refused = await gp.get(address)
    assert (refused.status_code, refused.headers.get("retry-after")) == (status, retry_after)
    assert (await gp.get(address)).status_code == 200


async def test_latency_changes_nothing_but_the_time(probed: Running) -> None:
    gp = await probed.as_person(GP)
    await order(probed, {"kind": "latency", "ms": 1})
    assert (await gp.get(PRIORITY)).status_code == 200
    told = (await probed.pages().get("/_test/requests")).json()["requests"][0]
    assert (told["fault"], told["status"]) == ("latency", 200)


@pytest.mark.parametrize("kind", ["error", "unavailable"])
@pytest.mark.parametrize("after", [False, True])
async def test_an_act_is_done_or_not_as_ordered(probed: Running, kind: str, after: bool) -> None:
    """A fault after the work leaves the referral stored, although the caller gets an error."""
    gp = await probed.as_person(GP)
    await order(probed, {"kind": kind, "after": after, "count": 1})
    assert (await gp.post(**create_referral())).status_code >= 500
    url = probed.service.settings.database_url
    assert await fetch(url, "SELECT count(*) FROM referrals") == [(int(after),)]
    assert (await gp.post(**create_referral())).status_code == 201


async def test_a_call_that_the_gateway_refuses_is_not_struck(probed: Running) -> None:
    await order(probed, {"kind": "error"})
    assert (await probed.anonymous(GP.headers).get(PRIORITY)).status_code == 401


async def test_a_fault_strikes_its_operation_alone(probed: Running) -> None:
    gp = await probed.as_person(GP)
    await order(probed, {"kind": "error", "operations": ["A004"]})
    assert [(await gp.get(each)).status_code for each in (R4_SERVICE, PRIORITY)] == [200, 500]


async def test_a_fault_strikes_its_service_alone(desk: Rig) -> None:
    """A fault of one service affects calls that name the service by id, shortlist, slot, UBRN or appointment."""
    other, mine = await desk.refer(NO_SLOTS), await desk.refer(SERVICE)
    slot = (await desk.free())[0]
    assert (await desk.book(mine, slot)).status_code == 201
    appointment = (await desk.read(mine))["contained"]
    assert appointment
    await order(desk.run, {"kind": "error", "services": [SERVICE]})
    assert (await desk.gp.get(f"/R4/HealthcareService/{NO_SLOTS}")).status_code == 200
    assert (await desk.gp.get(f"/R4/HealthcareService/{SERVICE}")).status_code == 500
    assert (await desk.slots(NO_SLOTS)).status_code == 200
    assert (await desk.slots(SERVICE)).status_code == 500
    assert (await desk.gp.post(**create_referral(services=(NO_SLOTS,)))).status_code == 201
    assert (await desk.gp.post(**create_referral(services=(SERVICE,)))).status_code == 500
    assert (await desk.gp.get(f"/STU3/ReferralRequest/{other['id']}")).status_code == 200
    assert (await desk.gp.get(f"/STU3/ReferralRequest/{mine['id']}")).status_code == 500
    assert (await desk.book(other, slot)).status_code == 500


# -------------------------------------------------------------------------------------------------------------- the PAS


@pytest.mark.parametrize(
    ("fault", "status", "booked"),
    [
        ({"kind": "pas-refused"}, 502, 0),
        ({"kind": "pas-slot-gone"}, 502, 0),
        ({"kind": "pas-silent"}, 504, 0),
        ({"kind": "pas-silent", "after": True}, 504, 1),
        ({"kind": "pas-latency", "ms": 1}, 201, 1),
    ],
)
async def test_a_pas_fails_as_ordered(desk: Rig, fault: dict[str, Any], status: int, booked: int) -> None:
    referral, slot = await desk.refer(), (await desk.free())[0]
    await order(desk.run, {**fault, "operations": ["book"], "services": [SERVICE], "count": 1})
    assert (await desk.book(referral, slot)).status_code == status
    assert len(desk.pas.appointments) == booked


async def test_what_a_silent_pas_has_done_is_found_out(desk: Rig) -> None:
    """After a simulated missing reply, due work finds out from the PAS that the booking was made."""
    referral, slot = await desk.refer(), (await desk.free())[0]
    await order(desk.run, {"kind": "pas-silent", "after": True, "operations": ["book"], "count": 1})
    assert (await desk.book(referral, slot)).status_code == 504
    assert await desk.sweep() == []
    shown = await desk.read(referral)
    assert shown["extension"][-1]["extension"][0]["valueCoding"]["code"] == "BOOKED"


async def test_a_refused_look_up_is_no_answer(desk: Rig) -> None:
    """If the PAS refuses a look-up, the outcome stays unknown: another booking attempt gets 423."""
    referral, slot = await desk.refer(), (await desk.free())[0]
    await order(
        desk.run,
        {"kind": "pas-silent", "after": True, "operations": ["book"], "count": 1},
        {"kind": "pas-refused", "operations": ["look-up"], "count": 1},
    )
    assert (await desk.book(referral, slot)).status_code == 504
    await desk.sweep()
    assert (await desk.book(referral, slot)).status_code == 423


async def test_slots_are_not_polled_where_that_is_ordered(desk: Rig) -> None:
    await order(desk.run, {"kind": "pas-silent", "operations": ["slots"]})
    with pytest.raises(Exception, match="an injected fault"):
        await desk.poll()


# ---------------------------------------------------------------------------------------------------------- the control


async def test_faults_are_shown_added_and_taken_away(probed: Running) -> None:
    pages = probed.pages()
    await order(probed, {"kind": "error", "share": 0.25}, seed=3)
    added = await pages.post("/_test/faults", json={"kind": "drop", "count": 4})
    assert added.json() == (await pages.get("/_test/faults")).json()
    assert added.json()["seed"] == 3
    assert [(each["kind"], each["share"], each["left"]) for each in added.json()["faults"]] == [
        ("error", 0.25, None),
        ("drop", 1.0, 4),
    ]
    assert (await pages.delete("/_test/faults")).json()["faults"] == []


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"faults": [{"kind": "flood"}]}, "flood"),
        ({"faults": [{"kind": "error", "share": 2}]}, "share"),
        ({"faults": [{"kind": "error", "often": 2}]}, "often"),
        ({"faults": [{"kind": "error", "operations": ["A999"]}]}, "A999"),
        ({}, "faults"),
    ],
)
async def test_an_order_that_can_t_be_read_changes_nothing(probed: Running, body: Any, named: str) -> None:
    await order(probed, {"kind": "drop"})
    refused = await probed.pages().put("/_test/faults", json=body)
    assert refused.status_code == 400
    assert named in refused.json()["error"]
    assert [each["kind"] for each in (await probed.pages().get("/_test/faults")).json()["faults"]] == ["drop"]
