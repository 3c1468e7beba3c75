"""Put many records in one act: each refused one is named and stops no other, and equal ones change nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.kit.service.administration import ADMIN, administrator, key_of, records, service
from tests.kit.service.running import PROVIDER, Running
from tests.kit.store.outside import entries, fetch

pytestmark = pytest.mark.anyio

CHANGES: dict[str, dict[str, Any]] = {
    "organisations": {"telephone": "0113 2000000"},
    "sites": {"name": "South wing"},
    "people": {"roles": [{"organisation": "D82106", "functions": ["REFERRING_ADMIN"], "from_claims": False}]},
    "applications": {"name": "Changed"},
    "code-sets": {"specialties": [{"code": "HEART", "display": "Heart"}]},
    "services": {"referrer_alert": "Full"},
    "commissioning-rules": {"starts": "2026-05-01"},
    "pas-links": {"url": "http://127.0.0.1:10/fhir"},
    "endpoints": {"certificates": [{"fingerprint": "b" * 64, "issuer": "CN=Other"}]},
    "patients": {"given_name": "Eve"},
}
NOTHING: dict[str, Any] = {"created": 0, "replaced": 0, "unchanged": 0, "refused": []}


async def _put(client: httpx.AsyncClient, resource: str, *sent: Any, **parameters: str) -> dict[str, Any]:
    reply = await client.post(f"{ADMIN}/{resource}/$batch", json={"records": list(sent)}, params=parameters)
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


async def test_records_are_created_left_alone_and_replaced(administered_on_both: Running) -> None:
    """A repetition changes no version; a changed value gets the next version, and the old one is kept."""
    client = await administrator(administered_on_both)
    for resource, record in records().items():
        address = f"{ADMIN}/{resource}/{key_of(resource, record)}"
        assert await _put(client, resource, record, dry_run="true") == {**NOTHING, "created": 1}
        assert (await client.get(address)).status_code == 404
        assert await _put(client, resource, record) == {**NOTHING, "created": 1}
        assert await _put(client, resource, record) == {**NOTHING, "unchanged": 1}
        changed = {**record, **CHANGES[resource]}
        if resource == "people":
            changed["workgroups"] = []
        assert await _put(client, resource, changed) == {**NOTHING, "replaced": 1}
        read = await client.get(address)
        assert read.headers["etag"] == '"2"'
        assert changed.items() <= read.json().items()
    url = administered_on_both.service.settings.database_url
    kept = await fetch(url, "SELECT kind FROM history WHERE key IN ('ZZ1', 'RCD99', '555900000010', '999000001')")
    assert sorted({kind for (kind,) in kept}) == ["organisation", "pas link", "service", "site", "user"]
    roles = await fetch(url, "SELECT organisation FROM user_roles WHERE \"user\" = '555900000010'")
    assert roles == [("D82106",)]


async def test_a_refused_record_stops_no_other(administered_on_both: Running) -> None:
    """Each refusal names the place in the request, the field, the cure and a record that is missing."""
    client = await administrator(administered_on_both)
    good = {"ods": "RCD71", "organisation": PROVIDER, "name": "North", "postcode": "LS1 4AP"}
    wrong = [
        {**good, "ods": "RCD72", "organisation": "ZZZ8"},
        {**good, "ods": "RCD73", "name": ""},
        [1],
        {**good, "name": "Twice"},
        {**good, "ods": "RCD74", "x": 1},
    ]
    told = await _put(client, "sites", wrong[0], good, *wrong[1:])
    assert {**told, "refused": []} == {**NOTHING, "created": 1}
    found = [(each["index"], each["place"]) for each in told["refused"]]
    assert found == [(0, "/organisation"), (2, "/name"), (3, "body"), (4, ""), (5, "body")], told
    assert told["refused"][0]["missing"] == {"resource": "organisations", "key": "ZZZ8"}
    assert all(each["detail"] and each["cure"] and each["code"] == "INVALID_RECORD" for each in told["refused"])
    assert (await client.get(f"{ADMIN}/sites/RCD71")).json()["name"] == "North"
    assert (await client.get(f"{ADMIN}/sites/RCD72")).status_code == 404


async def test_a_person_puts_the_records_of_their_organisation_alone(administered_on_both: Running) -> None:
    """Rights hold for each record; a kind that the caller may not put at all is refused as a whole."""
    ops = await administrator(administered_on_both)
    definer = await administrator(administered_on_both, "SERVICE_DEFINER")
    await _put(
        ops,
        "sites",
        {**records()["sites"], "ods": "RCD75"},
        {**records()["sites"], "ods": "R6975", "organisation": "R69"},
    )
    told = await _put(
        definer, "services", service(PROVIDER, "RCD75", "999000075"), service("R69", "R6975", "999000076")
    )
    assert (told["created"], [(each["index"], each["code"]) for each in told["refused"]]) == (1, [(1, "NOT_ALLOWED")])
    refused = await definer.post(f"{ADMIN}/people/$batch", json={"records": [records()["people"]]})
    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ALLOWED")


async def test_what_changes_is_in_force_and_in_the_audit(administered_on_both: Running) -> None:
    """A role that was taken away ends the log-in. The audit entry names each changed record, and no equal one."""
    run, client = administered_on_both, await administrator(administered_on_both)
    roles = [{"organisation": "D82106", "functions": ["REFERRING_CLINICIAN"]}]
    people: list[dict[str, Any]] = [{"id": f"55590000008{n}", "name": "Dr Many", "roles": roles} for n in range(3)]
    await _put(client, "people", *people)
    token = await run.token(people[0]["id"], "demo-user-app")
    role = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
    theirs = run.anonymous({"Authorization": f"Bearer {token}"})
    assert (await theirs.get("/STU3/CodeSystem/SPECIALTY", headers=role)).status_code == 200
    told = await _put(client, "people", {**people[0], "roles": []}, *people[1:])
    assert told == {**NOTHING, "replaced": 1, "unchanged": 2}
    assert (await theirs.get("/STU3/CodeSystem/SPECIALTY", headers=role)).status_code == 401
    last = [each for each in await entries(run) if each.get("act") == "put 3 people"][-1]
    assert (last["records"], last["outcome"], last["application"]) == ([people[0]["id"]], 200, "test-ops")


async def test_of_two_imports_at_once_each_record_is_whole(administered_on_both: Running) -> None:
    """Both put the same records in another order; each request is whole or asks to be sent again."""
    client = await administrator(administered_on_both)
    made = [{**records()["organisations"], "ods": f"ZY{number:03}"} for number in range(60)]
    parts = [made, made[::-1], [{**each, "name": "Other"} for each in made], made[30:]]
    replies = await asyncio.gather(
        *(client.post(f"{ADMIN}/organisations/$batch", json={"records": part}) for part in parts)
    )
    assert {each.status_code for each in replies} <= {200, 423}, [each.text for each in replies]
    assert any(each.status_code == 200 for each in replies)
    again = await _put(client, "organisations", *made)
    assert (again["refused"], again["created"]) == ([], 0)
    assert await _put(client, "organisations", *made) == {**NOTHING, "unchanged": 60}


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        (b"{", 400, "body"),
        (b'{"records": []}', 422, "/records"),
        (b'{"records": {}}', 422, "/records"),
        (b'{"records": [%s]}' % b",".join([b"1"] * 251), 422, "/records"),
        (b'{"records": [1], "x": 1}', 422, "body"),
        (b'{"records": [1, ]}', 400, "body"),
        (b'{"records": ["\xff"]}', 200, ""),
    ],
)
async def test_a_body_that_is_no_list_of_records_is_refused(
    administered_on_both: Running, body: bytes, status: int, place: str
) -> None:
    """Nothing is stored, and the refusal names the place."""
    client = await administrator(administered_on_both)
    reply = await client.post(f"{ADMIN}/sites/$batch", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == status, reply.text
    assert status == 200 or reply.json()["place"] == place, reply.text
