"""Hidden slots at a running service: not found, not booked, not quoted, and not counted against a deferral."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from openers.domain.identifiers import ServiceId
from tests.kit.referrals.rig import SERVICE, Json, Rig, code, rig
from tests.kit.service.administration import ADMIN, administered, administrator
from tests.kit.service.running import CONSULTANT
from tests.kit.store.outside import execute

pytestmark = pytest.mark.anyio
CALLERS = 200
ROUNDS = 25
DAY = 86_400_000_000
"""Microseconds of a day, as instants are stored."""
HIDING: dict[str, dict[str, Any]] = {
    "RESERVATION": {"reservation_days": 1},
    "WINDOW_START": {"windows": {"URGENT": {"starts_after_hours": 1000}}},
    "WINDOW_END": {"polling_range_days": 0},
}


@pytest.fixture(scope="module")
async def desk(shared_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with a PAS, administrators and six free slots from the second day on."""
    async with rig(shared_url, keys) as made:
        await administered(made.run)
        await made.add_slots(6)
        yield made


async def _hide(client: httpx.AsyncClient, rules: dict[str, Any]) -> None:
    """Give the service these rules for its slots."""
    record = (await client.get(f"{ADMIN}/services/{SERVICE}")).json()
    reply = await client.put(
        f"{ADMIN}/services/{SERVICE}", json={**record, "slot_rules": rules}, headers={"If-Match": "*"}
    )
    assert reply.is_success, reply.text


async def _told(client: httpx.AsyncClient) -> dict[str, str | None]:
    """Return what hides each slot."""
    query = {"organisation": "D82106", "priority": "URGENT"}
    reply = await client.get(f"{ADMIN}/services/{SERVICE}/visibility", params=query)
    assert reply.status_code == 200, reply.text
    assert reply.json()["shown"] is True
    return {each["id"]: each["hidden_by"] for each in reply.json()["slots"]}


def _quoted(slot: Json) -> dict[str, Any]:
    return {"slot": [{"reference": f"Slot/{slot['id']}"}]}


@pytest.mark.parametrize("condition", HIDING)
async def test_a_hidden_slot_is_neither_seen_nor_booked_nor_quoted_nor_counted(desk: Rig, condition: str) -> None:
    """With a condition that hides all slots nothing is found and a deferral is allowed; the explanation names it."""
    client = await administrator(desk.run)
    await _hide(client, {})
    slot = (await desk.free())[0]
    assert None in (await _told(client)).values()
    counted = await desk.refer()
    assert code(await desk.defer(counted, "NO_SLOTS_AT_SERVICE"))[1] == "SLOTS_CURRENTLY_AVAILABLE"
    assert code(await desk.defer(counted, "SLOT_NOT_AVAILABLE", **_quoted(slot)))[1] == "THIS_SLOT_IS_AVAILABLE"
    await _hide(client, HIDING[condition])
    assert await desk.free() == []
    assert set((await _told(client)).values()) <= {condition, "STATE"}
    assert code(await desk.book(counted, slot))[1] == "SLOT_NOT_AVAILABLE"
    assert code(await desk.defer(counted, "SLOT_NOT_AVAILABLE", **_quoted(slot)))[1] == "REFERENCE_NOT_FOUND"
    deferred = await desk.defer(counted, "NO_SLOTS_AT_SERVICE")
    assert deferred.status_code == 201, deferred.text
    await _hide(client, {})
    assert slot["id"] in {each["id"] for each in await desk.free()}


async def test_the_slots_that_are_shown_and_the_explanation_agree(desk: Rig) -> None:
    """With random settings, priorities, ages and clinicians a slot is shown if and only if nothing hides it."""
    client, chance, url = await administrator(desk.run), Random(16), desk.run.service.settings.database_url
    record = (await client.get(f"{ADMIN}/services/{SERVICE}")).json()
    free, now = await desk.free(), int(desk.world.clock.now().timestamp() * 1_000_000)
    seen: set[str | None] = set()
    for _ in range(ROUNDS):
        window = {"starts_after_hours": chance.choice([1, 26, 28]), "ends_after_days": chance.choice([None, 1, 2, 30])}
        rules = {
            "polling_range_days": chance.choice([None, None, 1, 2, 30]),
            "reservation_days": chance.choice([0, 0, 1, 2]),
            "windows": chance.choice([{}, {"URGENT": window}, {"ROUTINE": window, "URGENT": window}]),
        }
        accepted = chance.choice([["ROUTINE", "URGENT"], ["ROUTINE", "URGENT"], ["ROUTINE"]])
        body = {**record, "slot_rules": rules, "priorities": accepted}
        put = await client.put(f"{ADMIN}/services/{SERVICE}", json=body, headers={"If-Match": "*"})
        assert put.is_success, put.text
        for each in chance.sample(free, 3):
            aged = "UPDATE slots SET first_seen = ?, priorities = ?, clinician = ? WHERE id = ?"
            values = (now - chance.randrange(3) * DAY, chance.choice([1, 3, 7]), chance.choice([None, CONSULTANT.user]))
            await execute(url, aged, *values, int(each["id"]))
        priority, clinician = chance.choice(["ROUTINE", "URGENT"]), chance.choice([{}, {"clinician": CONSULTANT.user}])
        asked = {"organisation": "D82106", "priority": priority, **clinician}
        told = (await client.get(f"{ADMIN}/services/{SERVICE}/visibility", params=asked)).json()["slots"]
        by = {"schedule.actor:Practitioner": clinician["clinician"]} if clinician else {}
        bundle = (await desk.slots(SERVICE, appointmentType=priority, **by)).json()
        shown = {each["resource"]["id"] for each in bundle["entry"] if each["resource"]["resourceType"] == "Slot"}
        assert shown == {each["id"] for each in told if each["shown"]}, (rules, told)
        assert bundle["total"] == len(shown)
        seen |= {each["hidden_by"] for each in told}
    assert len(seen) > 5, seen
    await execute(
        url, "UPDATE slots SET first_seen = 0, priorities = 7, clinician = NULL WHERE service = ?", int(SERVICE)
    )
    assert (await client.put(f"{ADMIN}/services/{SERVICE}", json=record, headers={"If-Match": "*"})).is_success


async def test_a_slot_that_comes_back_is_new_again(desk: Rig) -> None:
    """A reserved slot is shown when the reservation has passed; one that vanished and came back is reserved again."""
    client = await administrator(desk.run)
    await _hide(client, {"reservation_days": 1})
    seen = "UPDATE slots SET first_seen = 0 WHERE service = ?"
    await execute(desk.run.service.settings.database_url, seen, int(SERVICE))
    free = await desk.free()
    assert free
    gone = "UPDATE slots SET state = 'GONE' WHERE id = ?"
    await execute(desk.run.service.settings.database_url, gone, int(free[0]["id"]))
    async with desk.world.begin("arrange") as tx:
        await tx.links.forget_polled(ServiceId(SERVICE))
    assert await desk.poll() == 1
    assert (await _told(client))[free[0]["id"]] == "RESERVATION"
    assert free[0]["id"] not in {each["id"] for each in await desk.free()}
    await _hide(client, {})


async def test_no_caller_of_many_gets_a_hidden_slot(desk: Rig) -> None:
    """200 callers search, book and defer at once while the slots are hidden: nobody sees or books one."""
    client = await administrator(desk.run)
    await _hide(client, {})
    slots, referrals = await desk.free(), [await desk.refer() for _ in range(20)]
    await _hide(client, {"reservation_days": 2} | HIDING["WINDOW_START"])

    async def _call(number: int) -> str:
        referral, slot = referrals[number % 20], slots[number % len(slots)]
        match number % 3:
            case 0:
                return f"{len(await desk.free())} free"
            case 1:
                return code(await desk.book(referral, slot))[1]
            case _:
                return code(await desk.defer(referral, "SLOT_NOT_AVAILABLE", **_quoted(slot)))[1]

    told = await asyncio.gather(*(_call(each) for each in range(CALLERS)))
    right = {"0 free", "SLOT_NOT_AVAILABLE", "REFERENCE_NOT_FOUND"}
    assert right <= set(told) <= {*right, "REFERRAL_LOCKED"}, set(told)  # ten callers share a referral
    await _hide(client, {})
    assert len(await desk.free()) == len(slots)
