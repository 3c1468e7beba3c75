"""Who has seen a patient: what is found, for whom, page by page, and how much a search reads. On both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from openers.domain.audit import AuditEntry
from openers.domain.identifiers import NhsNumber, OdsCode, UserId
from openers.usecases.administration.audit_search import MOST_READ
from tests.kit.referrals.talk import own
from tests.kit.service.administration import ADMIN, PEOPLE, administrator
from tests.kit.service.requests import HEADERS, NHS_NUMBER, create_referral, identifier
from tests.kit.service.requests import PATIENT as HARTLEY
from tests.kit.service.running import CONSULTANT, GP, Running, entry
from tests.kit.store.outside import entries

pytestmark = pytest.mark.anyio

AUDIT: Final = f"{ADMIN}/audit"
UBRN: Final = "https://fhir.nhs.uk/Id/UBRN"
OTHER: Final = NhsNumber("9990000018")


async def _found(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """Return all entries that a search finds, page by page."""
    found: list[dict[str, Any]] = []
    asked = {"nhs_number": HARTLEY, **query}
    while True:
        reply = await client.get(AUDIT, params=asked)
        assert reply.status_code == 200, reply.text
        found += reply.json()["items"]
        if reply.json()["next"] is None:
            return found
        asked["cursor"] = reply.json()["next"]


async def test_each_call_that_shows_the_patient_is_found(administered_on_both: Running) -> None:
    """Reading, searching and naming are found, also among other patients, with person, role and organisation."""
    run = administered_on_both
    operator = await administrator(run, "ERS_ADMIN")
    gp, consultant = await run.as_person(GP), await run.as_person(CONSULTANT)
    ubrn = (await gp.post(**create_referral())).json()["id"]
    await gp.get(f"/STU3/ReferralRequest/{ubrn}")
    names = own("FindNames", [identifier("patient", NHS_NUMBER, HARTLEY)])
    await gp.post("/STU3/Patient/$openers.findNames", json=names, headers=HEADERS)
    rows = own("Overviews", [identifier("request", UBRN, ubrn)])
    await gp.post("/STU3/ReferralRequest/$openers.overviews", json=rows, headers=HEADERS)
    await operator.get(f"{ADMIN}/patients/{HARTLEY}")
    await operator.get(f"{ADMIN}/patients", params={"limit": 250})
    await consultant.get("/STU3/CodeSystem/PRIORITY")
    found = await _found(await administrator(run))
    assert [each["operation"] for each in found][:6] == [
        "GET /admin/v1/patients",
        "GET /admin/v1/patients/{key}",
        "X006",
        "X003",
        "A005",
        "A011",
    ], found
    assert found[0]["patients"] > 1
    assert found[1]["person"] == PEOPLE["ERS_ADMIN"].user
    reading = found[4]
    assert (reading["person"], reading["organisation"], reading["function"]) == (GP.user, GP.organisation, GP.function)
    assert reading["person_name"]
    assert reading["organisation_name"]
    assert (reading["ubrn"], reading["outcome"]) == (ubrn, 200)
    assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)
    assert "CodeSystem" not in str(found)
    (again, *_) = await _found(operator)
    assert (again["operation"], again["act"]) == ("GET /admin/v1/audit", "search audit"), "the search itself is found"


async def test_a_search_is_narrowed(administered_on_both: Running) -> None:
    """Days in London, person (also acted for), organisation and operation narrow a search; pages hold each once."""
    run = administered_on_both
    client = await administrator(run)
    now = run.service.world.wall.now()
    for days in range(5):
        for user, organisation, operation in (("555000000001", "D82106", "A005"), ("555000000002", "RCD", "A006")):
            made = AuditEntry("GET", "API Test", now - timedelta(days=days), operation, f"{days}-{user}")
            made.user, made.organisation, made.nhs_number = UserId(user), OdsCode(organisation), OTHER
            made.outcome = 200
            made.on_behalf_of = UserId("555000000003") if days == 4 else None
            await run.service.world.store.record_audit(made)

    async def _ids(**query: Any) -> list[str]:
        found = await _found(client, nhs_number=OTHER, operation=query.pop("operation", "A005"), **query)
        return [each["request_id"] for each in found]

    assert await _ids() == [f"{days}-555000000001" for days in range(5)]
    assert await _ids(limit=1) == [f"{days}-555000000001" for days in range(5)]
    assert await _ids(operation="A006", organisation="RCD", limit=2) == [f"{days}-555000000002" for days in range(5)]
    assert await _ids(person="555000000003") == ["4-555000000001"]
    assert await _ids(organisation="RCD") == []
    days = {each["request_id"]: each["at"][:10] for each in await _found(client, nhs_number=OTHER, operation="A005")}
    only = days["2-555000000001"]
    assert await _ids(**{"from": only, "to": only}) == ["2-555000000001"]


async def test_a_search_reads_no_more_than_its_bound(administered_on_both: Running) -> None:
    """A search that finds nothing among many entries stops, and goes on with its cursor: no entry is lost."""
    run = administered_on_both
    client, store = await administrator(run), run.service.world.store
    patient, many = "9990000026", MOST_READ + 50
    for number in range(many):
        made = entry()
        made.nhs_number, made.operation, made.request_id = NhsNumber(patient), "A005" if number else "A010", str(number)
        await store.record_audit(made)
    first = (await client.get(AUDIT, params={"nhs_number": patient, "operation": "A010"})).json()
    assert (first["items"], bool(first["next"])) == ([], True)
    found = await _found(client, nhs_number=patient, operation="A010")
    assert [each["request_id"] for each in found] == ["0"]


@pytest.mark.parametrize("caller", ["SERVICE_DEFINER", "COMMISSIONER"])
async def test_others_may_not_search(administered_on_both: Running, caller: str) -> None:
    """A definer and a commissioner get 403, and the attempt is audited without the patient."""
    client = await administrator(administered_on_both, caller)
    reply = await client.get(AUDIT, params={"nhs_number": HARTLEY})
    assert (reply.status_code, reply.json()["code"]) == (403, "NOT_ALLOWED")
    last = (await entries(administered_on_both))[-1]
    assert (last["act"], last["outcome"], "nhs_number" in last) == ("search audit", 403, False)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({}, "nhs_number"),
        ({"nhs_number": "991 200 3888"}, "nhs_number"),
        ({"from": "yesterday"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "2031-01-02", "to": "2031-01-01"}, "to"),
        ({"person": "555"}, "person"),
        ({"organisation": "d"}, "organisation"),
        ({"operation": ""}, "operation"),
        ({"limit": "0"}, "limit"),
        ({"limit": "251"}, "limit"),
        ({"cursor": "1-2-3"}, "cursor"),
        ({"cursor": f"{'9' * 18}-1-1-x"}, "cursor"),
        ({"patient": HARTLEY}, "patient"),
    ],
)
async def test_a_bad_question_is_refused(administered_on_both: Running, query: dict[str, str], place: str) -> None:
    """Each fault is named with its place, and nothing is read."""
    client = await administrator(administered_on_both)
    asked = query if place == "nhs_number" else {"nhs_number": HARTLEY, **query}
    reply = await client.get(AUDIT, params=asked)
    assert (reply.status_code, reply.json()["place"]) == (400, place), reply.text
