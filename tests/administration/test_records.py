"""Every resource: create, read, list, replace, repeat and end, with versions; refusals name cause, place and cure."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.kit.service.administration import ADMIN, administrator, key_of, records
from tests.kit.service.running import Running
from tests.kit.store.outside import entries, fetch

pytestmark = pytest.mark.anyio

ORDER = tuple(records())
CHANGES: dict[str, dict[str, Any]] = {
    "organisations": {"telephone": "0113 2000000"},
    "sites": {"name": "South wing"},
    "people": {"name": "Dr Changed"},
    "applications": {"name": "Changed"},
    "code-sets": {"specialties": [{"code": "HEART", "display": "Heart"}]},
    "services": {"referrer_alert": "Full\nuntil May"},
    "commissioning-rules": {"starts": "2026-05-01"},
    "pas-links": {"url": "http://127.0.0.1:10/fhir"},
    "endpoints": {"fqdn": "new.surgery.example", "certificates": [{"fingerprint": "b" * 64, "issuer": "CN=Other"}]},
    "patients": {"given_name": "Eve"},
}
ENDS: dict[str, tuple[str, Any]] = {
    "organisations": ("closed_on", "2031-05-01"),
    "sites": ("closed_on", "2031-05-01"),
    "people": ("active", False),
    "applications": ("active", False),
    "code-sets": ("active", False),
    "services": ("status", "WITHDRAWN"),
    "commissioning-rules": ("active", False),
    "pas-links": ("active", False),
    "endpoints": ("status", "revoked"),
}


async def _put(client: httpx.AsyncClient, resource: str, record: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.put(f"{ADMIN}/{resource}/{key_of(resource, record)}", json=record, headers=headers)


async def test_each_record_is_created_read_replaced_and_ended(administered_on_both: Running) -> None:
    """The version rises with each change and the value is what was sent."""
    client = await administrator(administered_on_both)
    for resource, record in records().items():
        created = await _put(client, resource, record)
        assert created.status_code == 201, (resource, created.text)
        assert created.headers["etag"] == '"1"'
        assert created.headers["location"] == f"{ADMIN}/{resource}/{key_of(resource, record)}"
        assert record.items() <= created.json().items()
        again = await _put(client, resource, record)
        assert (again.status_code, again.headers["x-openers-change"]) == (200, "unchanged")
        changed = {**record, **CHANGES[resource]}
        replaced = await _put(client, resource, changed, **{"If-Match": created.headers["etag"]})
        assert (replaced.status_code, replaced.headers["etag"]) == (200, '"2"'), replaced.text
        read = await client.get(created.headers["location"])
        assert (read.json(), read.headers["etag"]) == (replaced.json(), '"2"')
        assert changed.items() <= read.json().items()
    for resource, (name, value) in reversed(ENDS.items()):
        address = f"{ADMIN}/{resource}/{key_of(resource, records()[resource])}"
        when = {"on": "2031-05-01"} if name == "closed_on" else {}
        ended = await client.delete(address, params=when, headers={"If-Match": '"2"'})
        assert (ended.status_code, ended.headers["etag"], ended.json()[name]) == (200, '"3"', value), ended.text
    refused = await client.delete(f"{ADMIN}/patients/9995550018", headers={"If-Match": "*"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, PUT")


async def test_a_list_comes_in_pages(administered_on_both: Running) -> None:
    """The pages together hold each record once, in the order of the keys; the last page has no cursor."""
    client = await administrator(administered_on_both)
    for resource in ORDER:
        whole = (await client.get(f"{ADMIN}/{resource}", params={"limit": 250})).json()
        assert whole["next"] is None
        found: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get(f"{ADMIN}/{resource}", params={"limit": 3, **cursor})).json()
            found += page["items"]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == whole["items"]
        assert len({each["key"] for each in found}) == len(found) > 0
        one = await client.get(f"{ADMIN}/{resource}/{found[0]['key']}")
        assert (one.json(), one.headers["etag"]) == (found[0]["value"], f'"{found[0]["version"]}"')


@pytest.mark.parametrize("resource", ["organisations", "sites", "people", "services", "pas-links"])
async def test_a_list_can_be_limited_to_an_organisation(administered_on_both: Running, resource: str) -> None:
    """The list of one organisation is the part of the whole list that belongs to it."""
    client = await administrator(administered_on_both)
    whole = (await client.get(f"{ADMIN}/{resource}", params={"limit": 250})).json()["items"]
    services = (await client.get(f"{ADMIN}/services", params={"limit": 250})).json()["items"]
    owner = {each["key"]: each["value"]["organisation"] for each in services}

    def _owners(item: dict[str, Any]) -> set[str]:
        value = item["value"]
        match resource:
            case "organisations":
                return {value["ods"]}
            case "people":
                return {role["organisation"] for role in value["roles"]}
            case "pas-links":
                return {owner[value["service"]]}
            case _:
                return {value["organisation"]}

    part = await client.get(f"{ADMIN}/{resource}", params={"limit": 250, "organisation": "RCD"})
    assert part.json()["items"] == [each for each in whole if "RCD" in _owners(each)] != []


async def test_of_two_administrators_one_wins_and_the_other_gets_the_difference(administered_on_both: Running) -> None:
    """Two replace the same version at once: one is stored, and the other is told what is stored now."""
    one, two = await administrator(administered_on_both), await administrator(administered_on_both, "ERS_ADMIN")
    record = {**records()["organisations"], "ods": "ZZ2"}
    await _put(one, "organisations", record)
    sent = [{**record, "name": "First"}, {**record, "name": "Second"}]
    replies = await asyncio.gather(
        *(
            _put(client, "organisations", each, **{"If-Match": '"1"'})
            for client, each in zip((one, two), sent, strict=True)
        )
    )
    won, lost = sorted(replies, key=lambda each: each.status_code)
    assert (won.status_code, lost.status_code) == (200, 412), [each.text for each in replies]
    assert lost.headers["content-type"] == "application/problem+json"
    told = lost.json()
    other = "Second" if won.json()["name"] == "First" else "First"
    assert told["version"] == 2
    assert told["difference"] == [{"place": "/name", "sent": other, "stored": won.json()["name"]}]
    assert (await one.get(f"{ADMIN}/organisations/ZZ2")).json() == won.json()


async def test_a_record_is_only_replaced_by_callers_who_know_its_version(administered_on_both: Running) -> None:
    """Without a version 428, with an old one 412, with one for a new record 412; any version by a star."""
    client = await administrator(administered_on_both)
    record = {**records()["organisations"], "ods": "ZZ3"}
    assert (await _put(client, "organisations", record, **{"If-Match": '"1"'})).status_code == 412
    assert (await _put(client, "organisations", record, **{"If-None-Match": "*"})).status_code == 201
    changed = {**record, "name": "Changed"}
    assert (await _put(client, "organisations", changed)).status_code == 428
    assert (await _put(client, "organisations", changed, **{"If-None-Match": "*"})).status_code == 412
    assert (await _put(client, "organisations", changed, **{"If-Match": '"7"'})).status_code == 412
    assert (await _put(client, "organisations", changed, **{"If-Match": "*"})).status_code == 200
    address = f"{ADMIN}/organisations/ZZ3"
    assert (await client.delete(address)).status_code == 428
    assert (await client.delete(address, headers={"If-Match": '"1"'})).status_code == 412
    first = await client.delete(address, headers={"If-Match": 'W/"2"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"3"')
    second = await client.delete(address, headers={"If-Match": 'W/"2"'})
    assert (second.status_code, second.headers["etag"]) == (200, '"3"'), "ending again changes nothing"


async def test_a_repeated_request_gets_the_first_reply(administered_on_both: Running) -> None:
    """The same key and request change nothing more, also at once; the key with another request is refused."""
    client, other = await administrator(administered_on_both), await administrator(administered_on_both, "ERS_ADMIN")
    record = {**records()["organisations"], "ods": "ZZ4"}
    key = {"Idempotency-Key": "create-ZZ4"}
    replies = await asyncio.gather(*(_put(client, "organisations", record, **key) for _ in range(3)))
    assert [each.status_code for each in replies] == [201, 201, 201], [each.text for each in replies]
    assert sorted(each.headers.get("idempotency-replayed", "") for each in replies) == ["", "true", "true"]
    await _put(client, "organisations", {**record, "name": "Later"}, **{"If-Match": '"1"'})
    repeated = await _put(client, "organisations", record, **key)
    assert (repeated.status_code, repeated.json()["name"]) == (201, record["name"])
    reused = await _put(client, "organisations", {**record, "name": "Other"}, **key)
    assert (reused.status_code, reused.json()["code"]) == (422, "KEY_REUSED")
    own = await _put(other, "organisations", {**record, "name": "Own"}, **key, **{"If-Match": "*"})
    assert own.status_code == 200, "each caller has its own keys"


async def test_an_idempotency_key_is_of_one_role(administered_on_both: Running) -> None:
    """The same person in another role is another caller. The record that was sent is not kept a second time."""
    run = administered_on_both
    admin = await administrator(run)
    roles: list[dict[str, Any]] = [
        {"organisation": "RCD", "functions": ["ERS_ADMIN", "SERVICE_DEFINER"]},
        {"organisation": "R69", "functions": ["ERS_ADMIN"]},
    ]
    person: dict[str, Any] = {"id": "555900000044", "name": "Several roles", "roles": roles}
    assert (await _put(admin, "people", person)).status_code == 201
    token = await run.token(person["id"], "test-desk")
    clients = [run.pages() for _ in range(3)]
    held = (("RCD", "ERS_ADMIN"), ("R69", "ERS_ADMIN"), ("RCD", "SERVICE_DEFINER"))
    for client, (organisation, function) in zip(clients, held, strict=True):
        role = {"NHSD-End-User-Organisation-ODS": organisation, "NHSD-eRS-Business-Function": function}
        client.headers.update({"Authorization": f"Bearer {token}", "Idempotency-Key": "one-for-all", **role})
    record = {**records()["organisations"], "ods": "ZZ14", "address": "A lane that is stored once " * 5}
    replies = [await client.put(f"{ADMIN}/organisations/ZZ14", json=record) for client in clients]
    assert [each.status_code for each in replies] == [201, 200, 403]
    again = [await client.put(f"{ADMIN}/organisations/ZZ14", json=record) for client in clients[:2]]
    assert [(each.status_code, each.headers.get("idempotency-replayed")) for each in again] == [
        (201, "true"),
        (200, "true"),
    ]
    assert [each.json() for each in again] == [each.json() for each in replies[:2]]
    url = run.service.settings.database_url
    bodies = [bytes(row[0]) for row in await fetch(url, "SELECT body FROM credentials WHERE kind = 'idempotency_key'")]
    assert [body for body in bodies if b"ZZ14" in body]
    assert not [body for body in bodies if b"stored once" in body]


async def test_what_has_closed_keeps_its_day(administered_on_both: Running) -> None:
    """Ending again moves the day to an earlier one, never to a later one. Records without a day take none."""
    client = await administrator(administered_on_both)
    record = {**records()["organisations"], "ods": "ZZ15", "closed_on": "2031-03-31"}
    await _put(client, "organisations", record)
    address, any_version = f"{ADMIN}/organisations/ZZ15", {"If-Match": "*"}
    for on, closed in (("2031-05-01", "2031-03-31"), ("2031-03-31", "2031-03-31"), ("2031-02-01", "2031-02-01")):
        ended = await client.delete(address, params={"on": on}, headers=any_version)
        assert (ended.status_code, ended.json()["closed_on"]) == (200, closed)
    for resource in ORDER:
        if resource not in ("organisations", "sites", "patients"):
            address = f"{ADMIN}/{resource}/{key_of(resource, records()[resource])}"
            refused = await client.delete(address, params={"on": "2031-05-01"}, headers=any_version)
            assert (refused.status_code, refused.json()["code"], refused.json()["place"]) == (400, "MALFORMED", "on")


async def test_a_key_that_no_record_can_have_is_not_in_the_audit(administered_on_both: Running) -> None:
    client = await administrator(administered_on_both)
    long = "x" * 4_000
    for resource in ("organisations", "applications", "webhooks"):
        for method in ("GET", "DELETE"):
            reply = await client.request(method, f"{ADMIN}/{resource}/{long}", headers={"If-Match": "*"})
            assert (reply.status_code, reply.json()["code"]) == (404, "NO_SUCH_RECORD"), reply.text
            assert len(reply.text) < 1_000
    assert not [each for each in await entries(administered_on_both) if "xxxx" in str(each)]


async def test_a_rehearsal_changes_nothing(administered_on_both: Running) -> None:
    """A dry run returns what would be stored, and refuses what would be refused."""
    client = await administrator(administered_on_both)
    record = {**records()["organisations"], "ods": "ZZ5"}
    address = f"{ADMIN}/organisations/ZZ5"
    reply = await client.put(address, json=record, params={"dry_run": "true"})
    assert (reply.status_code, reply.headers["x-openers-change"]) == (200, "created")
    assert "etag" not in reply.headers
    assert (await client.get(address)).status_code == 404
    unfit = {**records()["sites"], "ods": "RCD98", "organisation": "ZZ5"}
    refused = await client.put(f"{ADMIN}/sites/RCD98", json=unfit, params={"dry_run": "true"})
    assert refused.status_code == 422


async def test_a_certificate_belongs_to_one_endpoint(administered_on_both: Running) -> None:
    """A certificate cannot be registered twice; one that its endpoint no longer has can be registered elsewhere."""
    client = await administrator(administered_on_both)
    own = [{"fingerprint": "c" * 64, "issuer": "CN=DEV1 Sub CA"}]
    first = {**records()["endpoints"], "asid": "200000000230", "certificates": own}
    second = {**first, "asid": "200000000231"}
    await _put(client, "endpoints", first)
    refused = await _put(client, "endpoints", second)
    assert (refused.status_code, refused.json()["place"]) == (422, "/certificates/0/fingerprint")
    assert "200000000230" in refused.json()["detail"]
    await _put(client, "endpoints", {**first, "certificates": []}, **{"If-Match": "*"})
    assert (await _put(client, "endpoints", second)).status_code == 201
    wrong = await _put(client, "endpoints", {**second, "source_addresses": ["10.1.2.3/16"]}, **{"If-Match": "*"})
    assert (wrong.status_code, "host bits set" in wrong.text) == (422, True)
