"""The same world, seed and calls give the same bytes, headers included, on each database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.kit.referrals.rig import RULES, booking
from tests.kit.referrals.talk import conversion, question, worklist
from tests.kit.referrals.words import ADVICE, VALID, document, request_of
from tests.kit.service.requests import HEADERS, Json, create_for_triage, search
from tests.kit.service.running import CONSULTANT, CONSULTANT_ELSEWHERE, GP, Person
from tests.kit.service.worlds import Rig

pytestmark = pytest.mark.anyio
NOON = "2027-03-01T12:00:00Z"
SLOTS = {
    "schedule.actor:HealthcareService": "11006", "appointmentType": "URGENT", "status": "free", "_count": "3",
    "page": "1",
}  # fmt: skip
Said = list[tuple[int, bytes, list[tuple[str, str]]]]


class Call:
    """Calls in a world, with all replies."""

    def __init__(self, rig: Rig, world: str) -> None:
        """Start without replies; `headers` are those of the latest reply."""
        self._rig, self._world = rig, world
        self.said: Said = []
        self.headers: Mapping[str, str] = {}

    async def __call__(self, method: str, path: str, who: Person = GP, **more: Any) -> Json:
        """Send a call, and return its JSON or an empty object."""
        reply = await self._rig.fhir(method, path, self._world, who, **more)
        self.said.append((reply.status_code, reply.content, sorted(reply.headers.items())))
        self.headers = reply.headers
        is_json = "json" in reply.headers.get("content-type", "")
        told: Json = reply.json() if is_json else {}
        return told

    async def wait_for_the_scan(self) -> None:
        """Run the world's due work."""
        await self._rig.control("POST", "/clock/advance", world=self._world)


async def _calls(rig: Rig, world: str) -> Said:
    """Run searches, creations, bookings, refusals and clock changes; return all replies."""
    _call = Call(rig, world)
    said = _call.said
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
    await _files(_call, referral)
    await _triage(_call)
    await _advice(_call)
    await _lists_and_refusals(_call, referral)
    ran = await rig.control("POST", "/clock/advance", {"days": 30}, world)
    said.append((200, str(ran["ran"]).encode(), []))
    told = await rig.control("GET", "/events", world=world)
    said.append((200, str([{**each, "world": "this one"} for each in told["events"]]).encode(), []))
    return said


async def _files(call: Call, referral: Json) -> None:
    """Upload a file, attach it to a referral as a letter, and read it back."""
    name = {"Content-Type": "text/plain", "NHSD-eRS-File-Name": "letter.txt", "NHSD-eRS-Referral-ID": referral["id"]}
    await call("POST", "/STU3/Binary", content=b"Dear colleague", headers=name)
    address = call.headers["location"]
    now = await call("GET", f"/STU3/ReferralRequest/{referral['id']}")
    await _act(call, "A012", now, document("referralLetterFile", address, "REFERRER"))
    await call.wait_for_the_scan()
    await call("GET", f"/STU3/{address}")
    await call("GET", f"/R4/{address}")
    status, *_ = call.said.pop()
    call.said.append((status, b"a signed address goes by the real time, as tokens do", []))


async def _triage(call: Call) -> None:
    """Create a triage request, return it with advice, change it and cancel it."""
    asked = create_for_triage()
    referral = await call("POST", asked["url"], json=asked["json"], headers=asked["headers"])
    await call("GET", f"/STU3/ReferralRequest/{referral['id']}", CONSULTANT)
    returned = await _act(call, "A028", referral, *ADVICE, who=CONSULTANT)
    changed = await _act(call, "A031", returned, *VALID["A031"])
    await _act(call, "A036", changed, *VALID["A036"])


async def _advice(call: Call) -> None:
    """Create a request for advice, and convert it to a referral."""
    asked = question()
    told = await call("POST", asked["url"], json=asked["json"], headers=asked["headers"])
    advice = told["parameter"][0]["resource"]
    await call("GET", f"/STU3/CommunicationRequest/{advice['id']}")
    messages = {"based-on": f"CommunicationRequest/{advice['id']}/_history/{advice['meta']['versionId']}"}
    await call("GET", "/STU3/Communication", params=messages)
    made = conversion(advice)
    await call("POST", made["url"], CONSULTANT, json=made["json"], headers=made["headers"])


async def _lists_and_refusals(call: Call, referral: Json) -> None:
    """Read worklists and available actions, and send calls that are refused in each way."""
    listed = worklist()
    await call("POST", listed["url"], CONSULTANT, json=listed["json"], headers=listed["headers"])
    await call("GET", "/STU3/HealthcareService/11006")
    await call("GET", "/R4/PractitionerRole", CONSULTANT)
    focus = f"ReferralRequest/{referral['id']}/_history/1"
    await call("GET", "/STU3/Task", params={"focus": focus, "intent": "proposal", "status": "ready"})
    await call("GET", f"/STU3/ReferralRequest/{referral['id']}", CONSULTANT_ELSEWHERE)
    await call("GET", "/STU3/ReferralRequest/999999999999")
    await call("POST", "/STU3/Appointment", json={}, headers=HEADERS)
    await call("DELETE", f"/STU3/ReferralRequest/{referral['id']}")


async def _act(call: Call, number: str, referral: Json, *parameters: Json, who: Person = GP) -> Json:
    """Call an operation on a referral; it must succeed."""
    asked = request_of(number, referral, *parameters)
    done = await call("POST", asked.pop("url"), who, **asked)
    assert call.said[-1][0] == 200, done
    return done


async def test_on_each_database_after_a_load(on_each: Rig) -> None:
    """A load with the same seed repeats all replies; another seed changes them."""
    seen: list[Said] = []
    for seed in (5, 5, 6):
        await on_each.control("POST", "/worlds/main/load", {"pack": "demo", "seed": seed})
        await on_each.control("PUT", "/clock", {"now": NOON, "running": False})
        on_each.tokens.clear()
        seen.append(await _calls(on_each, "main"))
    assert [status for status, _, _ in seen[0]][:6] == [200, 201, 200, 200, 201, 200]
    assert {200, 201, 307, 400, 404, 405, 422} <= {status for status, _, _ in seen[0]}
    assert len(seen[0]) > 30
    assert seen[0] == seen[1]
    assert [status for status, _, _ in seen[2]] == [status for status, _, _ in seen[0]]
    assert seen[2] != seen[0]


async def test_in_forks(here: Rig) -> None:
    """Two forks with one seed give the same replies and continue from the state of their source."""
    await here.control("PUT", "/clock", {"now": "2027-02-01T00:00:00Z", "running": False})
    await here.refer()
    first = await _in_fork(here, "a", 9)
    assert first == await _in_fork(here, "b", 9)
    assert first != await _in_fork(here, "c", 10)


async def _in_fork(rig: Rig, name: str, seed: int) -> Said:
    """Return all replies in a new fork, without the fork's own address."""
    await rig.control("POST", "/worlds", {"name": name, "seed": seed})
    own = f"/w/{name}/"
    return [
        (status, content.replace(own.encode(), b"/"), [(key, value.replace(own, "/")) for key, value in headers])
        for status, content, headers in await _calls(rig, name)
    ]
