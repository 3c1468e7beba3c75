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


@pytest.mark.parametrize("resource", ["services", "patients"])
async def test_the_audit_of_many_records_names_no_single_one(administered_on_both: Running, resource: str) -> None:
    """The last service or patient would look as if the call had concerned it alone."""
    client = await administrator(administered_on_both)
    if resource == "services":
        made = [service(PROVIDER, "RCD01", f"99900006{number}") for number in range(2)]
    else:
        made = [{**records()["patients"], "nhs_number": number} for number in ("9995550026", "9995550034")]
    await _put(client, resource, *made)
    last = [each for each in await entries(administered_on_both) if each.get("act") == f"put 2 {resource}"][-1]
    assert last["records"] == [key_of(resource, each) for each in made]
    assert (last.get("services"), last.get("nhs_number")) == (None, None)


async def test_of_two_imports_at_once_each_record_is_whole(administered_on_both: Running) -> None:
    """They put the same records in other orders. One that is asked to be sent again is.

    Imports that add an equal record at the same time may both count it as created; it is stored once.
    """
    client = await administrator(administered_on_both)
    made = [{**records()["organisations"], "ods": f"ZY{number:03}"} for number in range(60)]
    parts = [made, made[::-1], [{**each, "name": "Other"} for each in made], made[30:]]

    async def _sent(part: list[dict[str, Any]]) -> dict[str, Any]:
        address, body = f"{ADMIN}/organisations/$batch", {"records": part}
        while (reply := await client.post(address, json=body)).status_code == 423:
            pass
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        return told

    done = await asyncio.gather(*(_sent(part) for part in parts))
    assert [each["refused"] for each in done] == [[]] * 4
    assert sum(each["created"] for each in done) >= 60
    again = await _put(client, "organisations", *made)
    assert (again["created"], again["replaced"] + again["unchanged"]) == (0, 60)
    assert await _put(client, "organisations", *made) == {**NOTHING, "unchanged": 60}


async def test_records_of_one_request_are_checked_against_one_another(administered_on_both: Running) -> None:
    """A certificate belongs to one endpoint, and may leave another one of the request before it comes to the next."""
    client = await administrator(administered_on_both)
    endpoint = {**records()["endpoints"], "certificates": [{"fingerprint": "e" * 64, "issuer": "CN=One"}]}
    one, two = {**endpoint, "asid": "200000000241"}, {**endpoint, "asid": "200000000242"}
    told = await _put(client, "endpoints", one, two)
    assert (told["created"], [each["index"] for each in told["refused"]]) == (1, [1]), told
    assert (told["refused"][0]["place"], "200000000241" in told["refused"][0]["detail"]) == (
        "/certificates/0/fingerprint",
        True,
    )
    assert (await client.get(f"{ADMIN}/endpoints/200000000242")).status_code == 404
    freed = {**one, "certificates": []}
    told = await _put(client, "endpoints", two, freed)
    assert (told["replaced"], [each["index"] for each in told["refused"]]) == (1, [0]), (
        "the order is that of the request"
    )
    await _put(client, "endpoints", one)
    assert await _put(client, "endpoints", freed, two) == {**NOTHING, "created": 1, "replaced": 1}


async def test_two_requests_at_once_do_not_share_a_certificate(administered_on_both: Running) -> None:
    """Whichever comes first has it, and the other one is refused."""
    client = await administrator(administered_on_both)
    shared = {**records()["endpoints"], "certificates": [{"fingerprint": "f" * 64, "issuer": "CN=One"}]}
    made = [{**shared, "asid": f"20000000025{number}"} for number in range(4)]
    replies = await asyncio.gather(
        *(client.put(f"{ADMIN}/endpoints/{each['asid']}", json=each) for each in made[:2]),
        *(client.post(f"{ADMIN}/endpoints/$batch", json={"records": [each]}) for each in made[2:]),
    )
    assert {each.status_code for each in replies} <= {200, 201, 422, 423}, [each.text for each in replies]
    held = [(await client.get(f"{ADMIN}/endpoints/{each['asid']}")).status_code for each in made]
    assert sorted(held) == [200, 404, 404, 404]


COMMISSIONER = {"name": "Z Commissioner", "kind": "COMMISSIONER", "postcode": "LS1 4AP"}
SURGERY = {"name": "Z Surgery", "kind": "GP_PRACTICE", "postcode": "LS1 4AP"}


async def test_records_may_name_others_of_the_request_in_any_order(administered_on_both: Running) -> None:
    """Also in chains. Those that name one another, or one that is refused, are refused with the missing one."""
    client = await administrator(administered_on_both)
    chain = [
        {**SURGERY, "ods": "ZQ001", "commissioner": "ZQ1"},
        {**COMMISSIONER, "ods": "ZQ1", "commissioner": "ZQ2"},
        {**COMMISSIONER, "ods": "ZQ2", "commissioner": "ZQ3"},
        {**COMMISSIONER, "ods": "ZQ3"},
        {**COMMISSIONER, "ods": "ZQ4", "commissioner": "ZQ5"},
        {**COMMISSIONER, "ods": "ZQ5", "commissioner": "ZQ4"},
        {**SURGERY, "ods": "ZQ002", "commissioner": "ZQ6"},
        {**COMMISSIONER, "ods": "ZQ6", "kind": "SHOP"},
        {**SURGERY, "ods": "ZQ003", "commissioner": "ZQ001"},
    ]
    told = await _put(client, "organisations", *chain)
    assert {**told, "refused": []} == {**NOTHING, "created": 4}, told
    missing = {each["index"]: each.get("missing", {}).get("key") for each in told["refused"]}
    assert missing == {4: "ZQ5", 5: "ZQ4", 6: "ZQ6", 7: None, 8: None}
    assert (await client.get(f"{ADMIN}/organisations/ZQ001")).json()["commissioner"] == "ZQ1"
    second = [
        {**service(PROVIDER, "RCD01", f"99900008{number}"), "workgroup": f"{PROVIDER}/{number}"} for number in (1, 2)
    ]
    pathway = {"reason": "Pilot", "services": ["999000081", "999000082"]}
    told = await _put(client, "services", {**second[0], "restriction": pathway}, second[1])
    assert told == {**NOTHING, "created": 2}
    stored = (await client.get(f"{ADMIN}/services/999000081")).json()["restriction"]
    assert sorted(stored["workgroups"]) == [f"{PROVIDER}/1", f"{PROVIDER}/2"], "the service fills in its own one too"
    assert (await _put(client, "services", {**second[0], "restriction": pathway}))["unchanged"] == 1


async def test_a_request_puts_a_limited_number_of_stages(administered_on_both: Running) -> None:
    """Each stage costs a look-up and a write. The rest is refused with its cure, which works, and nothing is lost."""
    client = await administrator(administered_on_both)
    chain = [{**COMMISSIONER, "ods": f"ZT{number:03}", "commissioner": f"ZT{number + 1:03}"} for number in range(44)]
    sent: list[dict[str, Any]] = [*chain, {**COMMISSIONER, "ods": "ZT044"}]
    created: list[int] = []
    while sent:
        told = await _put(client, "organisations", *sent)
        assert {each["code"] for each in told["refused"]} <= {"NOT_YET"}, told
        created.append(told["created"])
        sent = [sent[each["index"]] for each in told["refused"]]
    assert created == [20, 20, 5]
    endpoint = {**records()["endpoints"], "certificates": [{"fingerprint": "9" * 64, "issuer": "CN=One"}]}
    told = await _put(client, "endpoints", *({**endpoint, "asid": f"2000000003{number}"} for number in range(10, 35)))
    codes = [each["code"] for each in told["refused"]]
    assert (told["created"], codes) == (1, ["INVALID_RECORD"] * 19 + ["NOT_YET"] * 5)


async def test_the_references_of_one_request_are_limited(administered_on_both: Running) -> None:
    """A request that needs more than 5000 look-ups is refused before it begins; one record alone never is."""
    client = await administrator(administered_on_both)
    listed = [f"Z{number:04}" for number in range(1000)]
    restricted = {
        "reason": "Pilot",
        "organisations": listed,
        "referrers": [f"5559{number:08}" for number in range(1000)],
    }
    full = {"commissioning": {"nationally_available": False, "organisations": listed}, "restriction": restricted}
    sent = [{**service(PROVIDER, "RCD01", f"99900009{number}"), **full} for number in range(3)]
    refused = await client.post(f"{ADMIN}/services/$batch", json={"records": sent})
    assert (refused.status_code, refused.json()["place"]) == (422, "/records"), refused.text
    assert "at most 5000" in refused.json()["detail"]
    told = await _put(client, "services", sent[0])
    assert [each["missing"] for each in told["refused"]] == [{"resource": "organisations", "key": listed[0]}]


WRONG_PATHWAYS = [
    ({"organisations": ["ZZ999"]}, "organisations", {"resource": "organisations", "key": "ZZ999"}),
    ({"referrers": ["555999999999"]}, "referrers", {"resource": "people", "key": "555999999999"}),
    ({"services": ["999999999"]}, "services", {"resource": "services", "key": "999999999"}),
]


@pytest.mark.parametrize(("pathway", "place", "missing"), WRONG_PATHWAYS)
async def test_a_pathway_names_records_that_exist(
    administered_on_both: Running, pathway: dict[str, Any], place: str, missing: dict[str, str]
) -> None:
    """By an import and by a single call alike."""
    client = await administrator(administered_on_both)
    record = {**service(PROVIDER, "RCD01", "999000088"), "restriction": {"reason": "Pilot", **pathway}}
    told = await _put(client, "services", record)
    assert [(each["place"], each["missing"]) for each in told["refused"]] == [(f"/restriction/{place}", missing)]
    single = await client.put(f"{ADMIN}/services/999000088", json=record)
    assert (single.status_code, single.json()["missing"]) == (422, missing)


async def test_a_refusal_tells_nothing_of_records_of_others(administered_on_both: Running) -> None:
    """Whether what a foreign record names exists or not, a definer gets the same refusal."""
    client = await administrator(administered_on_both, "SERVICE_DEFINER")
    for site in ("R6901", "ZZ999"):
        record = service("R69", site, "999000087")
        told = await _put(client, "services", record)
        single = await client.put(f"{ADMIN}/services/999000087", json=record)
        assert (told["refused"][0]["code"], single.status_code) == ("NOT_ALLOWED", 403)
        assert told["refused"][0]["detail"] == single.json()["detail"] == "999000087 belongs to another organisation"


async def test_of_a_key_that_comes_twice_the_first_record_counts(administered_on_both: Running) -> None:
    """Whatever becomes of it, and in whichever order the records are put."""
    client = await administrator(administered_on_both)
    first = {**SURGERY, "ods": "ZQ011", "commissioner": "ZQ12"}
    told = await _put(client, "organisations", first, {**SURGERY, "ods": "ZQ011"}, {**COMMISSIONER, "ods": "ZQ12"})
    assert (told["created"], [each["index"] for each in told["refused"]]) == (2, [1])
    assert (await client.get(f"{ADMIN}/organisations/ZQ011")).json()["commissioner"] == "ZQ12"


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
        (b'{"records": [{"ods": "RCD70", "organisation": "RCD", "name": "A", "postcode": "LS1 4AP"}, ]}', 400, "body"),
    ],
)
async def test_a_body_that_is_no_list_of_records_is_refused(
    administered_on_both: Running, body: bytes, status: int, place: str
) -> None:
    """Nothing is stored, and the refusal names the place."""
    client = await administrator(administered_on_both)
    before = (await client.get(f"{ADMIN}/sites", params={"limit": 250})).json()
    reply = await client.post(f"{ADMIN}/sites/$batch", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == status, reply.text
    assert status == 200 or reply.json()["place"] == place, reply.text
    assert (await client.get(f"{ADMIN}/sites", params={"limit": 250})).json() == before
