"""The same world, the same seed and the same calls give the same bytes, headers included: twice, on each database."""

from __future__ import annotations

from typing import Any

import pytest

from tests.booking.rig import RULES, booking
from tests.requests import HEADERS, search
from tests.service import GP, Person
from tests.worlds.rig import Rig

pytestmark = pytest.mark.anyio
NOON = "2027-03-01T12:00:00Z"
SLOTS = {
    "schedule.actor:HealthcareService": "11006", "appointmentType": "URGENT", "status": "free", "_count": "3",
    "page": "1",
}  # fmt: skip
Said = list[tuple[int, bytes, list[tuple[str, str]]]]


async def _calls(rig: Rig, world: str) -> Said:
    """A walk through searches, creations, bookings, refusals and time; everything that was answered."""
    said: Said = []

    async def _call(method: str, path: str, who: Person = GP, **more: Any) -> Any:
        reply = await rig.fhir(method, path, world, who, **more)
        said.append((reply.status_code, reply.content, sorted(reply.headers.items())))
        return reply.json() if reply.content else {}

    await rig.control("PUT", "/clock", {"now": NOON, "running": False}, world)
    await rig.control("POST", "/clock/advance", world=world)
    found = search()
    await _call("POST", found["url"], json=found["json"], headers=found["headers"])
    created = await rig.refer(world=world, services=["11006", "11012"])
    said.append((created.status_code, created.content, sorted(created.headers.items())))
    referral = created.json()
    await _call("GET", f"/STU3/ReferralRequest/{referral['id']}")
    slots = await _call("GET", "/STU3/Slot", params=SLOTS, headers=RULES)
    slot = slots["entry"][0]["resource"]
    await _call("POST", "/STU3/Appointment", json=booking(referral, slot), headers=HEADERS)
    await _call("GET", f"/STU3/ReferralRequest/{referral['id']}")
    await _call("POST", "/STU3/Appointment", json=booking(referral, slot), headers=HEADERS)
    await _call("GET", "/R4/ServiceRequest", params={"identifier": "x"})
    ran = await rig.control("POST", "/clock/advance", {"days": 30}, world)
    said.append((200, str(ran["ran"]).encode(), []))
    told = await rig.control("GET", "/events", world=world)
    said.append((200, str([{**each, "world": "this one"} for each in told["events"]]).encode(), []))
    return said


async def test_on_each_database_after_a_load(on_each: Rig) -> None:
    """A load with a seed begins the same series again; another seed another one."""
    seen: list[Said] = []
    for seed in (5, 5, 6):
        await on_each.control("POST", "/worlds/main/load", {"pack": "demo", "seed": seed})
        await on_each.control("PUT", "/clock", {"now": NOON, "running": False})
        on_each.tokens.clear()
        seen.append(await _calls(on_each, "main"))
    assert [status for status, _, _ in seen[0]][:6] == [200, 201, 200, 200, 201, 200]
    assert seen[0] == seen[1]
    assert [status for status, _, _ in seen[2]] == [status for status, _, _ in seen[0]]
    assert seen[2] != seen[0]


async def test_in_forks(here: Rig) -> None:
    """Two forks with one seed say the same; they go on from where their source is."""
    await here.control("PUT", "/clock", {"now": "2027-02-01T00:00:00Z", "running": False})
    await here.refer()
    first = await _in_fork(here, "a", 9)
    assert first == await _in_fork(here, "b", 9)
    assert first != await _in_fork(here, "c", 10)


async def _in_fork(rig: Rig, name: str, seed: int) -> Said:
    await rig.control("POST", "/worlds", {"name": name, "seed": seed})
    return await _calls(rig, name)
