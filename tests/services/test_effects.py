"""What changes of a service do to referrals under way: each effect of the table, at a running service with a PAS."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from openers.domain.codes import BookableType, Priority, RequestFlow
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.services.draft import ServiceDraft
from openers.domain.services.effects import TOLD, Effect, Found, effects_of
from tests.kit.documents.pages import text_of
from tests.kit.referrals.rig import SERVICE, Json, Rig, code, rig
from tests.kit.referrals.worklists import ISSUES, fetched, members, of_service
from tests.kit.service.administration import ADMIN, administered, administrator, rule
from tests.kit.service.requests import SDS_USER, criteria, identifier, search
from tests.kit.service.running import CONSULTANT, PRACTICE

pytestmark = pytest.mark.anyio
NAMED = "555032006106"
SERVICES = f"{ADMIN}/services"
BY_NAME = (identifier("namedClinician", SDS_USER, NAMED),)

DRAFT = ServiceDraft(
    name="Clinic",
    organisation=OdsCode("RCD"),
    site=OdsCode("RCD01"),
    clinic_types=(("CARDIOLOGY", "HEART_FAILURE"),),
    flows=(RequestFlow.APPOINTMENT_REQUEST,),
    priorities=frozenset({Priority.ROUTINE, Priority.URGENT}),
    clinicians=frozenset({UserId(NAMED)}),
)
LAST = date(2031, 3, 31)
PUBLISHED: list[tuple[dict[str, Any], Found]] = [
    ({"closes_on": LAST}, Found(Effect.ENDS, ("2031-03-31",))),
    ({"clinic_types": (("CARDIOLOGY", "ARRHYTHMIA"),)}, Found(Effect.RECODED, ("CARDIOLOGY/HEART_FAILURE",))),
    ({"bookable": BookableType.INDIRECTLY_BOOKABLE}, Found(Effect.NOT_DIRECTLY_BOOKABLE, ("INDIRECTLY_BOOKABLE",))),
    ({"flows": (RequestFlow.TRIAGE_REQUEST,)}, Found(Effect.NOT_DIRECTLY_BOOKABLE, ("UNSPECIFIED",))),
    ({"priorities": frozenset({Priority.URGENT})}, Found(Effect.PRIORITY_REMOVED, ("ROUTINE",))),
    ({"clinicians": frozenset[UserId]()}, Found(Effect.CLINICIAN_NOT_NAMED, (NAMED,))),
    ({"site": OdsCode("RCD02")}, Found(Effect.LOCATION_MOVED, ("RCD02",))),
]
HARMLESS: list[dict[str, Any]] = [
    {"referrer_alert": "Full"},
    {"priorities": frozenset(Priority)},
    {"clinic_types": (("CARDIOLOGY", "HEART_FAILURE"), ("CARDIOLOGY", "ARRHYTHMIA"))},
    {"allocated_clinicians": frozenset({UserId(NAMED)})},
]


@pytest.mark.parametrize(("changes", "found"), PUBLISHED)
def test_each_change_has_its_effect(changes: dict[str, Any], found: Found) -> None:
    """One change has one effect; the way back has none, except where it changes the same thing again."""
    changed = msgspec.structs.replace(DRAFT, **changes)
    assert effects_of(DRAFT, changed, linked=True) == [found]
    back = {each.effect for each in effects_of(changed, DRAFT, linked=True)}
    assert back <= {Effect.RECODED, Effect.LOCATION_MOVED}


@pytest.mark.parametrize("changes", HARMLESS)
def test_a_change_that_only_adds_has_no_effect(changes: dict[str, Any]) -> None:
    """Nothing is said of what referrals under way do not notice."""
    assert effects_of(DRAFT, msgspec.structs.replace(DRAFT, **changes), linked=True) == []


def test_each_effect_is_told_and_tried() -> None:
    """Each row of the table has words, and a row in the tables of this file."""
    assert TOLD.keys() == set(Effect)
    assert {row.effect for row in ROWS} == set(Effect)
    assert {found.effect for _, found in PUBLISHED} == set(Effect) - {Effect.UNPUBLISHED, Effect.RULE_ENDED}


class Row(NamedTuple):
    """A change, and what follows for a search, slots, and a referral that is not booked: booking and deferring.

    `None` means success. The search is that of the referral, or another one.
    """

    effect: Effect
    changes: dict[str, Any]
    found: bool = True
    slots: str | None = None
    book: str | None = None
    defer: str = "SLOTS_CURRENTLY_AVAILABLE"
    by: tuple[Json, ...] = ()


CLOSED = "SERVICE_UNAVAILABLE"
ROWS: list[Row] = [
    Row(Effect.UNPUBLISHED, {"status": "WITHDRAWN"}, False, CLOSED, CLOSED, CLOSED),
    Row(Effect.ENDS, {"closes_on": "YESTERDAY"}, False, CLOSED, CLOSED, CLOSED),
    Row(Effect.RECODED, {"clinic_types": [["CARDIOLOGY", "ARRHYTHMIA"]]}, found=False),
    Row(
        Effect.NOT_DIRECTLY_BOOKABLE,
        {"bookable": "INDIRECTLY_BOOKABLE"},
        slots="INVALID_STATE",
        book="INVALID_STATE",
        defer="INVALID_STATE",
    ),
    Row(
        Effect.PRIORITY_REMOVED,
        {"priorities": ["ROUTINE"]},
        found=False,
        slots="none",
        book=CLOSED,
        defer=CLOSED,
    ),
    Row(Effect.CLINICIAN_NOT_NAMED, {"clinicians": []}, found=False, by=BY_NAME),
    Row(Effect.LOCATION_MOVED, {"site": "RCD02", "location_name": "Headingley Community Clinic"}),
    Row(Effect.RULE_ENDED, {}, found=False),
]


@pytest.fixture(scope="module")
async def desk(shared_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with a PAS, administrators and free slots from the second day on."""
    async with rig(shared_url, keys) as made:
        await administered(made.run)
        await made.add_slots(3 * len(ROWS))
        yield made


async def _found(desk: Rig, by: tuple[Json, ...]) -> bool:
    without = ("specialty", "clinicType") if by else ()
    reply = await desk.gp.post(**search(of=criteria(*by, without=without)))
    assert reply.status_code == 200, reply.text
    return SERVICE in {each["item"]["identifier"]["value"] for each in reply.json().get("entry", ())}


async def _slots(desk: Rig) -> str | None:
    reply = await desk.slots()
    if reply.status_code != 200:
        return code(reply)[1]
    return None if reply.json()["total"] else "none"


async def _put(client: httpx.AsyncClient, changes: dict[str, Any], today: date) -> dict[str, Any]:
    """Change the live service; return its value before."""
    record: dict[str, Any] = (await client.get(f"{SERVICES}/{SERVICE}")).json()
    if changes.get("closes_on") == "YESTERDAY":
        changes = {"closes_on": str(today - timedelta(1))}
    reply = await client.put(f"{SERVICES}/{SERVICE}", json={**record, **changes}, headers={"If-Match": "*"})
    assert reply.is_success, reply.text
    return record


async def _under_a_rule(client: httpx.AsyncClient) -> None:
    """Let the service be open to the practice by a rule of its commissioner alone."""
    local = {"commissioning": {"nationally_available": False}}
    await _put(client, local, date.min)
    practice = (await client.get(f"{ADMIN}/organisations/{PRACTICE}")).json() | {"commissioner": "Q99"}
    for address, record in (
        (f"organisations/{PRACTICE}", practice),
        (f"commissioning-rules/{SERVICE}-Q99", rule(SERVICE, "Q99")),
    ):
        reply = await client.put(f"{ADMIN}/{address}", json=record, headers={"If-Match": "*"})
        reply = reply if reply.is_success else await client.put(f"{ADMIN}/{address}", json=record)
        assert reply.is_success, reply.text


async def _end_rule(client: httpx.AsyncClient) -> None:
    address = f"{ADMIN}/commissioning-rules/{SERVICE}-Q99"
    assert (await client.delete(address, headers={"If-Match": "*"})).is_success


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.effect)
async def test_referrals_under_way_feel_each_effect(desk: Rig, row: Row) -> None:
    """A booking and a deferral stand and a booking can be cancelled; a referral without either fares as the row says.

    What the referral shows of its search stays. After the change is taken back it can be booked.
    """
    client, today = await administrator(desk.run), desk.world.clock.now().date()
    before = await _put(client, {}, today)
    if row.effect is Effect.RULE_ENDED:
        await _under_a_rule(client)
    free = await desk.free()
    open_one, booked, deferred = [await desk.read(await desk.refer(SERVICE)) for _ in range(3)]
    made = await desk.book(booked, free[0])
    assert made.status_code == 201, made.text
    await _put(client, {"slot_rules": {"polling_range_days": 0}}, today)
    put_off = await desk.defer(deferred, "NO_SLOTS_AT_SERVICE")
    assert put_off.status_code == 201, put_off.text
    await _put(client, {"slot_rules": before["slot_rules"]}, today)
    assert await _found(desk, row.by)

    shown = (await desk.gp.get(f"/STU3/Appointment/{made.json()['id']}")).json()
    await _put(client, row.changes, today)
    try:
        await _check(desk, row, client, (open_one, deferred), (shown, free[1]))
    finally:
        await _put(client, before, today)
    if row.book is not None:
        assert (await desk.book(open_one, free[1])).status_code == 201


async def _check(
    desk: Rig, row: Row, client: httpx.AsyncClient, referrals: tuple[Json, Json], places: tuple[Json, Json]
) -> None:
    """Check what follows for the referrals after the change."""
    (open_one, deferred), (made, slot) = referrals, places
    if row.effect is Effect.RULE_ENDED:
        await _end_rule(client)
    assert (await _found(desk, row.by), await _slots(desk)) == (row.found, row.slots)
    assert code(await desk.defer(open_one, "NO_SLOTS_AT_SERVICE"))[1] == row.defer
    assert ("CREATE_APPOINTMENT" in await _actions(desk, open_one)) is (row.book is None)
    assert await desk.read(open_one) == open_one
    stands = await desk.gp.get(f"/STU3/Appointment/{made['id']}")
    assert (stands.status_code, stands.json()["status"], stands.json()) == (200, "booked", made)
    waiting = await fetched(await desk.run.as_person(CONSULTANT), ISSUES, of_service(SERVICE))
    assert deferred["id"] in members(waiting)
    if row.effect is Effect.LOCATION_MOVED:
        letter = await desk.gp.post(f"/STU3/ReferralRequest/{_ubrn(made)}/$ers.generatePatientLetter")
        assert "Headingley Community Clinic" in text_of(letter.content)
    assert (await desk.cancel(stands.json(), "PATIENT_ILL")).status_code == 200
    tried = await desk.book(open_one, slot)
    assert (None if tried.status_code == 201 else code(tried)[1]) == row.book, tried.text


def _ubrn(appointment: Json) -> str:
    """Return the UBRN of the referral to which an appointment belongs."""
    return str(appointment["incomingReferral"][0]["reference"]).split("/")[1]


async def _actions(desk: Rig, referral: Json) -> set[str]:
    shown = await desk.read(referral)
    focus = f"ReferralRequest/{shown['id']}/_history/{shown['meta']['versionId']}"
    reply = await desk.gp.get("/STU3/Task", params={"focus": focus, "intent": "proposal", "status": "ready"})
    assert reply.status_code == 200, reply.text
    return {each["resource"]["code"]["coding"][0]["code"] for each in reply.json().get("entry", ())}


async def test_a_definer_is_told_the_effects_before_publishing(desk: Rig) -> None:
    """The report compares the draft with the live service, and counts what is under way."""
    client = await administrator(desk.run, "SERVICE_DEFINER")
    address = f"{SERVICES}/{SERVICE}"
    before = (await client.get(f"{address}/effects")).json()
    made = await desk.book(await desk.refer(SERVICE), (await desk.free())[0])
    assert made.status_code == 201, made.text
    counted = {"waiting": before["waiting"] + 1, "booked": before["booked"] + 1}
    assert (await client.get(f"{address}/effects")).json() == {"effects": [], **counted}
    draft = (await client.get(f"{address}/draft")).json() | {"site": "RCD02", "priorities": ["ROUTINE"]}
    assert (await client.put(f"{address}/draft", json=draft, headers={"If-Match": "*"})).is_success
    told = (await client.get(f"{address}/effects")).json()
    assert [(each["effect"], each["what"]) for each in told["effects"]] == [
        ("PRIORITY_REMOVED", ["TWO_WEEK_WAIT", "URGENT"]),
        ("LOCATION_MOVED", ["RCD02"]),
    ]
    hides = (await client.get(f"{address}/effects", params={"change": "unpublish"})).json()
    assert [each["effect"] for each in hides["effects"]] == ["UNPUBLISHED"]
    wrong = await client.get(f"{address}/effects", params={"change": "x"})
    assert (wrong.status_code, wrong.json()["place"]) == (400, "change")
    assert (await client.delete(f"{address}/draft", headers={"If-Match": "*"})).is_success
