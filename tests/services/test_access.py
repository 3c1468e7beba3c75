"""Who may refer: commissioners' rules, restrictions and dates; a search and the explanation always agree."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import httpx
import pytest

from tests.kit.service.administration import ADMIN, COMMISSIONED, administrator, draft, rule
from tests.kit.service.requests import PATIENT, criteria, search
from tests.kit.service.running import GP, PRACTICE, Running

pytestmark = pytest.mark.anyio
SERVICES = f"{ADMIN}/services"
ROUNDS = 25


async def _published(client: httpx.AsyncClient, name: str, **attributes: Any) -> str:
    saved = await client.post(SERVICES, json=draft(name, **attributes))
    assert saved.status_code == 201, saved.text
    number = str(saved.json()["id"])
    live = await client.post(f"{SERVICES}/{number}/publish")
    assert live.status_code == 201, live.text
    return number


async def _found(gp: httpx.AsyncClient) -> set[str]:
    reply = await gp.post(**search(of=criteria(priority="ROUTINE", appropriate=True)))
    assert reply.status_code == 200, reply.text
    return {each["item"]["identifier"]["value"] for each in reply.json()["entry"]}


async def _told(client: httpx.AsyncClient, number: str, **asked: str) -> str | None:
    query = {"organisation": PRACTICE, "user": GP.user, "priority": "ROUTINE", **asked}
    reply = await client.get(f"{SERVICES}/{number}/visibility", params=query)
    assert reply.status_code == 200, reply.text
    hidden: str | None = reply.json()["hidden_by"]
    assert reply.json()["shown"] is (hidden is None)
    assert bool(reply.json()["told"]) is (hidden is not None)
    return hidden


async def _belongs_to(client: httpx.AsyncClient, commissioner: str | None) -> None:
    """Let a commissioner pay for the practice's referrals."""
    known = (await client.get(f"{ADMIN}/organisations/{PRACTICE}")).json()
    changed = {**known, "commissioner": commissioner}
    reply = await client.put(f"{ADMIN}/organisations/{PRACTICE}", json=changed, headers={"If-Match": "*"})
    assert reply.is_success, reply.text


async def test_a_commissioner_decides_who_may_refer(served: Running) -> None:
    """A rule opens the service to the commissioner's practices on its first day; the version of the service stays."""
    client, commissioner = await administrator(served), await administrator(served, "COMMISSIONER")
    gp = await served.as_person(GP)
    number = await _published(client, "For the commissioner", commissioning=COMMISSIONED)
    await _belongs_to(client, "Q99")
    assert (number in await _found(gp), await _told(client, number)) == (False, "COMMISSIONING")
    address, today = f"{ADMIN}/commissioning-rules/{number}-Q99", served.service.world.clock.now().date()
    later = {**rule(number, "Q99"), "starts": str(today + timedelta(days=1))}
    assert (await commissioner.put(address, json=later)).status_code == 201
    assert await _told(client, number) == "COMMISSIONING"
    put = await commissioner.put(address, json={**later, "starts": str(today)}, headers={"If-Match": '"1"'})
    assert put.status_code == 200, put.text
    assert (number in await _found(gp), await _told(client, number)) == (True, None)
    assert (await client.get(f"{SERVICES}/{number}")).headers["etag"] == '"1"'
    await _belongs_to(client, None)
    assert number not in await _found(gp)
    await _belongs_to(client, "Q99")
    assert number in await _found(gp)
    assert (await commissioner.delete(address, headers={"If-Match": "*"})).status_code == 200
    assert number not in await _found(gp)
    wrong = await commissioner.put(f"{ADMIN}/commissioning-rules/x", json={**later, "id": "x"})
    assert (wrong.status_code, wrong.json()["place"]) == (422, "/id")
    await _belongs_to(client, None)


async def test_the_result_of_a_search_and_the_explanation_agree(served: Running) -> None:
    """In random changes of services, rules and restrictions, a service is found if and only if no condition fails."""
    client, gp, chance = await administrator(served), await served.as_person(GP), Random(16)
    numbers = [await _published(client, f"Random {each}") for each in range(6)]
    today = served.service.world.clock.now().date()
    days = [None, *(str(today + timedelta(days=each)) for each in (-1, 0, 1))]
    born = date.fromisoformat((await client.get(f"{ADMIN}/patients/{PATIENT}")).json()["born"])
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    asked = {"specialty": "CARDIOLOGY", "clinic_type": "HEART_FAILURE", "age": str(age)}
    asked["request_type"] = "APPOINTMENT_REQUEST"
    seen: set[str | None] = set()
    for _ in range(ROUNDS):
        await _belongs_to(client, chance.choice([None, "Q99"]))
        number = chance.choice(numbers)
        live = (await client.get(f"{SERVICES}/{number}")).json()
        changes = {
            "status": chance.choice(["PUBLISHED", "PUBLISHED", "PUBLISHED", "WITHDRAWN"]),
            "opens_on": chance.choice(days),
            "flows": chance.choice([["APPOINTMENT_REQUEST"], ["APPOINTMENT_REQUEST"], ["ADVICE_AND_GUIDANCE_REQUEST"]]),
            "priorities": chance.choice([["ROUTINE"], ["ROUTINE", "URGENT"], ["URGENT"]]),
            "clinic_types": chance.choice([[["CARDIOLOGY", "HEART_FAILURE"]], [["CARDIOLOGY", "ARRHYTHMIA"]]]),
            "ages": chance.choice([{}, {}, {"highest": 1}]),
            "commissioning": chance.choice([COMMISSIONED, {"nationally_available": True}]),
            "restriction": chance.choice(
                [None, {"reason": "tertiary", "referrers": [GP.user]}, {"reason": "tertiary", "organisations": ["R69"]}]
            ),
        }
        put = await client.put(f"{SERVICES}/{number}", json={**live, **changes}, headers={"If-Match": "*"})
        assert put.is_success, put.text
        if changes["commissioning"] == COMMISSIONED and chance.random() < 0.6:
            made = {**rule(number, "Q99"), "starts": chance.choice(days[1:])}
            address = f"{ADMIN}/commissioning-rules/{number}-Q99"
            assert (await client.put(address, json=made, headers=await _known(client, address))).is_success
        found = await _found(gp)
        for each in numbers:
            hidden = await _told(client, each, **asked)
            assert (each in found) == (hidden is None), (each, hidden)
            seen.add(hidden)
    assert len(seen) > 5, seen


async def _known(client: httpx.AsyncClient, address: str) -> dict[str, str]:
    present = await client.get(address)
    return {"If-Match": present.headers["etag"]} if present.status_code == 200 else {}


async def test_test_mode_tells_what_a_search_did_not_show(served: Running) -> None:
    """The explanation of an A010 names the first condition for each service that is not there, and so does the page."""
    client, pages, gp = await administrator(served), served.pages(), await served.as_person(GP)
    number = await _published(client, "Not for you", restriction={"reason": "tertiary", "organisations": ["R69"]})
    reply = await gp.post(**search())
    name = reply.headers["x-request-id"]
    told = (await pages.get(f"/_test/explain/{name}")).json()["explanations"][0]["hidden"]
    assert {"what": f"service {number} Not for you", "hidden_by": "RESTRICTION"}.items() <= next(
        each for each in told if each["what"].split()[1] == number
    ).items()
    shown = {each["item"]["identifier"]["value"] for each in reply.json()["entry"]}
    assert shown.isdisjoint({each["what"].split()[1] for each in told})
    query = {"service": number, "organisation": PRACTICE}
    answer = (await pages.get("/_test/visibility", params=query)).json()
    assert (answer["hidden_by"], answer["name"]) == ("RESTRICTION", "Not for you")
    page = await pages.get("/_test/visibility", params=query, headers={"Accept": "text/html"})
    assert "RESTRICTION" in page.text
    assert "organisation" in (await pages.get("/_test/visibility")).json()["parameters"]
    for bad in ({"service": "x"}, {"service": number}, {**query, "age": "x"}, {**query, "other": "1"}):
        refused = await pages.get("/_test/visibility", params=bad)
        assert (refused.status_code, bool(refused.json()["error"])) == (400, True), bad
