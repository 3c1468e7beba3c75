"""The life of a service through the API: draft, published, changed beside the live one, unpublished, ended, copied."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from openers.domain.errors import Unavailable
from openers.usecases.listings_cache import ListingsCache
from tests.kit.service.administration import ADMIN, administrator, draft
from tests.kit.service.requests import search
from tests.kit.service.running import ELSEWHERE, GP, Running
from tests.kit.store.outside import entries

pytestmark = pytest.mark.anyio
SERVICES = f"{ADMIN}/services"


async def _created(client: httpx.AsyncClient, name: str, **attributes: Any) -> str:
    """Save a draft; return its number."""
    reply = await client.post(SERVICES, json=draft(name, **attributes))
    assert reply.status_code == 201, reply.text
    assert reply.headers["location"] == f"{SERVICES}/{reply.json()['id']}/draft"
    return str(reply.json()["id"])


async def _done(client: httpx.AsyncClient, address: str, **options: Any) -> httpx.Response:
    reply = await client.post(f"{SERVICES}/{address}", **options)
    assert reply.is_success, reply.text
    return reply


async def _found(run: Running) -> set[str]:
    """Return the numbers of the services that a search finds."""
    reply = await (await run.as_person(GP)).post(**search())
    assert reply.status_code == 200, reply.text
    return {each["item"]["identifier"]["value"] for each in reply.json()["entry"]}


async def _etag(run: Running, number: str) -> tuple[int, str]:
    """Return status and ETag of the public service (A037)."""
    reply = await (await run.as_person(GP)).head(f"/R4/HealthcareService/{number}")
    return reply.status_code, reply.headers.get("etag", "")


async def test_a_service_lives_from_its_first_save_to_its_end(served: Running) -> None:
    """The number is given at the first save. Readers see only what is published; only publishing raises the version."""
    client = await administrator(served, "SERVICE_DEFINER")
    number = await _created(client, "Palpitations clinic")
    assert (await client.get(f"{SERVICES}/{number}")).status_code == 404
    assert number not in await _found(served)
    assert (await _etag(served, number))[0] == 404
    published = await _done(client, f"{number}/publish", headers={"If-Match": '"1"'})
    assert (published.status_code, published.json()["location_name"]) == (201, "Aire General Hospital")
    assert await _etag(served, number) == (200, 'W/"1"')
    assert number in await _found(served)

    kept = await client.get(f"{SERVICES}/{number}/draft")
    changed = {**kept.json(), "referrer_alert": "Full until May"}
    saved = await client.put(f"{SERVICES}/{number}/draft", json=changed, headers={"If-Match": kept.headers["etag"]})
    assert saved.status_code == 200, saved.text
    assert (await client.get(f"{SERVICES}/{number}")).json()["referrer_alert"] is None
    assert await _etag(served, number) == (200, 'W/"1"')
    told = (await client.get(f"{SERVICES}/{number}/difference")).json()
    assert told == {"difference": [{"place": "/referrer_alert", "from": None, "to": "Full until May"}]}
    assert (await _done(client, f"{number}/publish")).headers["etag"] == '"2"'
    assert await _etag(served, number) == (200, 'W/"2"')
    again = await _done(client, f"{number}/publish")
    assert (again.headers["x-openers-change"], again.headers["etag"]) == ("unchanged", '"2"')
    assert (await client.get(f"{SERVICES}/{number}/versions")).json() == {"versions": [2, 1]}
    assert (await client.get(f"{SERVICES}/{number}/versions/1")).json()["referrer_alert"] is None
    two = (await client.get(f"{SERVICES}/{number}/difference", params={"from": "1", "to": "2"})).json()
    assert two == told

    hidden = await _done(client, f"{number}/unpublish")
    assert (hidden.json()["status"], hidden.headers["etag"]) == ("WITHDRAWN", '"2"')
    assert number not in await _found(served)
    assert (await _etag(served, number))[0] == 404
    assert (await _done(client, f"{number}/publish")).headers["etag"] == '"3"'
    assert number in await _found(served)

    last = str(served.service.world.clock.now().date())
    ended = await _done(client, f"{number}/end-date", json={"on": last})
    assert (ended.json()["closes_on"], ended.headers["etag"]) == (last, '"4"')
    assert number in await _found(served), "the last day is included"
    refused = await client.post(f"{SERVICES}/{number}/end-date", json={"on": "2020-01-01"})
    assert (refused.status_code, refused.json()["place"]) == (422, "/on")

    copied = await _done(client, f"{number}/copy", json={"name": "Palpitations clinic, evenings"})
    assert copied.json()["id"] not in ("", number)
    assert (copied.json()["base"], copied.json()["referrer_alert"]) == (0, "Full until May")


async def test_a_draft_may_get_the_number_of_a_discarded_one(served: Running) -> None:
    """The discarded draft leaves no history, so that the new one can be saved, published and changed."""
    admin = await administrator(served)
    number = await _created(admin, "Discarded")
    address = f"{SERVICES}/{number}/draft"
    later = draft("Discarded", exclusions="None")
    assert (await admin.put(address, json=later, headers={"If-Match": '"1"'})).headers["etag"] == '"2"'
    discarded = await admin.delete(address)
    assert (discarded.status_code, discarded.headers["x-openers-change"]) == (200, "removed")
    assert "etag" not in discarded.headers
    record = {**draft("Registered"), "id": number, "location_name": "Aire", "postcode": "LS1 3EB"}
    record |= {"bookable": "INDIRECTLY_BOOKABLE"}
    assert (await admin.put(f"{SERVICES}/{number}", json=record)).status_code == 201
    for version, words in enumerate(("One", "Two", "Three"), start=1):
        saved = await admin.put(address, json=draft("Registered", exclusions=words), headers={"If-Match": "*"})
        assert (saved.is_success, saved.headers["etag"]) == (True, f'"{version}"'), saved.text
    assert (await _done(admin, f"{number}/publish")).json()["exclusions"] == "Three"


async def test_a_service_that_was_unpublished_is_not_published_by_a_stale_change(served: Running) -> None:
    """Unpublishing keeps the version, so a change that names it does not show that its sender knows."""
    client = await administrator(served, "SERVICE_DEFINER")
    number = await _created(client, "Unpublished")
    address = f"{SERVICES}/{number}"
    stale = await _done(client, f"{number}/publish")
    known = {"If-Match": stale.headers["etag"]}
    hidden = await _done(client, f"{number}/unpublish")
    assert (hidden.headers["x-openers-change"], hidden.headers["etag"]) == ("replaced", known["If-Match"])
    again = await _done(client, f"{number}/unpublish")
    assert again.headers["x-openers-change"] == "unchanged"
    refused = await client.put(address, json={**stale.json(), "exclusions": "None"}, headers=known)
    assert (refused.status_code, refused.json()["place"]) == (422, "/status"), refused.text
    assert number not in await _found(served)
    kept = await client.put(address, json={**hidden.json(), "exclusions": "None"}, headers=known)
    assert (kept.status_code, kept.json()["status"]) == (200, "WITHDRAWN")
    wanted = await client.put(address, json=stale.json(), headers={"If-Match": "*"})
    assert (wanted.status_code, number in await _found(served)) == (200, True)


async def test_a_poll_that_fails_is_in_the_audit_once_as_what_it_was(served: Running) -> None:
    client = await administrator(served, "SERVICE_DEFINER")
    number = await _created(client, "Linked to nothing")
    link = {"service": number, "url": "http://127.0.0.1:9/fhir", "client_id": "demo-pas"}
    assert (await client.put(f"{ADMIN}/pas-links/{number}", json=link)).status_code == 201
    listed = (await client.get(f"{ADMIN}/pas-links", params={"limit": 250})).json()["items"]
    assert number in {each["key"] for each in listed}, "the link of a draft is in its definer's list"
    failed = await client.post(f"{SERVICES}/{number}/poll")
    assert (failed.status_code, failed.json()["code"]) == (502, "PAS_FAILED")
    polls = [each for each in await entries(served) if each.get("operation", "").endswith("/{key}/poll")]
    assert [(each["outcome"], each["services"]) for each in polls if number in each.get("services", ())] == [
        (502, [number])
    ]


async def test_a_change_that_is_stored_is_not_refused_for_the_search_index(
    served: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is lost after the commit, while the index follows: the reply is that of the change."""

    async def _lost(*_: object) -> None:
        raise Unavailable("database")

    client = await administrator(served, "SERVICE_DEFINER")
    number = await _created(client, "Stored all the same")
    with monkeypatch.context() as patch:
        patch.setattr(ListingsCache, "follow", _lost)
        assert (await client.post(f"{SERVICES}/{number}/publish")).status_code == 201
    assert number in await _found(served), "a search follows by itself"


async def test_names_are_unique_also_when_two_save_at_once(served: Running) -> None:
    """Whatever the capital letters, one of several drafts with a name is saved, and each has its own number."""
    client = await administrator(served, "SERVICE_DEFINER")
    names = ["Same Name", "same name", "SAME  NAME"]
    replies = await asyncio.gather(*(client.post(SERVICES, json=draft(name)) for name in names[:2]))
    replies.append(await client.post(SERVICES, json=draft(names[2])))
    assert sorted(each.status_code for each in replies) == [201, 422, 422], [each.text for each in replies]
    lost = next(each for each in replies if each.status_code == 422)
    assert (lost.json()["place"], lost.json()["cure"]) == ("/name", "enter a service name that no other service uses")
    many = await asyncio.gather(*(client.post(SERVICES, json=draft(f"Own name {each}")) for each in range(8)))
    assert len({each.json()["id"] for each in many}) == 8, [each.text for each in many]


async def test_of_drafts_that_get_one_name_at_once_one_is_saved(served: Running) -> None:
    """However its words are spaced and written."""
    client = await administrator(served, "SERVICE_DEFINER")
    names = ["New Shared Name", "new  shared name", "NEW SHARED  NAME", " New Shared Name"]
    numbers = [await _created(client, f"Before {each}") for each in range(len(names))]
    replies = await asyncio.gather(
        *(
            client.put(f"{SERVICES}/{number}/draft", json=draft(name), headers={"If-Match": "*"})
            for number, name in zip(numbers, names, strict=True)
        )
    )
    assert {each.status_code for each in replies} <= {200, 422, 423}, [each.text for each in replies]
    assert len([each for each in replies if each.is_success]) == 1


async def test_a_number_that_is_taken_is_passed_over(served: Running) -> None:
    """A draft never gets the number of a service that was registered under a number of its own."""
    admin, definer = await administrator(served), await administrator(served, "SERVICE_DEFINER")
    first = int(await _created(definer, "Before the taken numbers"))
    for taken in (first + 1, first + 2):
        record = {**draft(f"Taken {taken}"), "id": str(taken), "location_name": "Aire", "postcode": "LS1 3EB"}
        record |= {"bookable": "INDIRECTLY_BOOKABLE"}
        assert (await admin.put(f"{SERVICES}/{taken}", json=record)).status_code == 201
    assert int(await _created(definer, "After the taken numbers")) == first + 3


async def test_a_definer_sees_and_changes_only_own_services(served: Running) -> None:
    """Another organisation's drafts and services are not there for a definer, and a commissioner defines nothing."""
    admin, definer = await administrator(served), await administrator(served, "SERVICE_DEFINER")
    foreign = draft("Foreign clinic", organisation=ELSEWHERE, site="R6901", workgroup=f"{ELSEWHERE}/A")
    number = (await admin.post(SERVICES, json=foreign)).json()["id"]
    assert (await definer.post(SERVICES, json={**foreign, "name": "Another"})).status_code == 403
    for method, address in (
        ("GET", "draft"),
        ("GET", "checks"),
        ("GET", "versions"),
        ("GET", "difference"),
        ("GET", "visibility?organisation=D82106"),
        ("POST", "publish"),
        ("POST", "unpublish"),
        ("POST", "poll"),
        ("DELETE", "draft"),
    ):
        reply = await definer.request(method, f"{SERVICES}/{number}/{address}")
        assert reply.status_code == 404, (address, reply.text)
    copied = await definer.post(f"{SERVICES}/{number}/copy", json={"name": "Stolen"})
    assert copied.status_code == 404
    put = await definer.put(f"{SERVICES}/{number}/draft", json=foreign, headers={"If-Match": "*"})
    assert put.status_code == 404
    elsewhere = await definer.get(f"{SERVICES}/drafts", params={"organisation": ELSEWHERE})
    assert (elsewhere.status_code, elsewhere.json()["place"]) == (403, "organisation")
    listed = (await definer.get(f"{SERVICES}/drafts", params={"limit": 250})).json()["items"]
    assert {each["value"]["organisation"] for each in listed} <= {"RCD"}
    everything = (await admin.get(f"{SERVICES}/drafts", params={"limit": 250})).json()["items"]
    assert number in {each["key"] for each in everything}
    commissioner = await administrator(served, "COMMISSIONER")
    for reply in (
        await commissioner.get(f"{SERVICES}/drafts"),
        await commissioner.get(f"{SERVICES}/clinic-types"),
        await commissioner.post(SERVICES, json=draft("Not theirs")),
        await commissioner.get(f"{SERVICES}/{number}/draft"),
    ):
        assert reply.status_code == 403, reply.text
    explained = await commissioner.get(f"{SERVICES}/{number}/visibility", params={"organisation": "D82106"})
    assert explained.status_code == 404, "a commissioner sees live services alone"


async def test_a_draft_is_replaced_by_callers_who_know_its_version(served: Running) -> None:
    """Without a version 428, with an old one 412. A live service that changed meanwhile keeps its draft from it."""
    client, admin = await administrator(served, "SERVICE_DEFINER"), await administrator(served)
    number = await _created(client, "Two definers")
    address = f"{SERVICES}/{number}/draft"
    changed = draft("Two definers", exclusions="None")
    assert (await client.put(address, json=changed)).status_code == 428
    assert (await client.put(address, json=changed, headers={"If-Match": '"7"'})).status_code == 412
    assert (await client.put(address, json=changed, headers={"If-Match": '"1"'})).status_code == 200
    assert (await client.post(f"{SERVICES}/{number}/publish", headers={"If-Match": '"1"'})).status_code == 412
    await _done(client, f"{number}/publish")
    live = (await client.get(f"{SERVICES}/{number}")).json()
    put = await admin.put(f"{SERVICES}/{number}", json={**live, "exclusions": "Some"}, headers={"If-Match": "*"})
    assert put.status_code == 200, put.text
    assert (await client.get(address)).json()["exclusions"] == "Some", "a draft without changes follows"
    pending = (await client.get(address)).json() | {"instructions": "Bring a list"}
    assert (await client.put(address, json=pending, headers={"If-Match": "*"})).status_code == 200
    put = await admin.put(f"{SERVICES}/{number}", json={**live, "exclusions": "Many"}, headers={"If-Match": "*"})
    refused = await client.post(f"{SERVICES}/{number}/publish")
    assert (refused.status_code, refused.json()["version"]) == (412, 3), refused.text
    assert (await client.put(address, json=pending, headers={"If-Match": "*"})).status_code == 200
    assert (await _done(client, f"{number}/publish")).json()["instructions"] == "Bring a list"


async def test_a_dry_run_and_a_repeated_request_change_nothing_more(served: Running) -> None:
    """A rehearsal stores nothing; the same key gives the same number."""
    client = await administrator(served, "SERVICE_DEFINER")
    rehearsed = await client.post(SERVICES, json=draft("Rehearsed"), params={"dry_run": "true"})
    assert (rehearsed.status_code, rehearsed.headers["x-openers-change"]) == (200, "created")
    key = {"Idempotency-Key": "create-once"}
    replies = [await client.post(SERVICES, json=draft("Rehearsed"), headers=key) for _ in range(2)]
    assert [each.status_code for each in replies] == [201, 201]
    assert replies[0].json()["id"] == replies[1].json()["id"]
    number = replies[0].json()["id"]
    assert (await _done(client, f"{number}/publish", params={"dry_run": "true"})).status_code == 200
    assert (await client.get(f"{SERVICES}/{number}")).status_code == 404
    discarded = await client.delete(f"{SERVICES}/{number}/draft")
    assert discarded.status_code == 200, discarded.text
    assert (await client.get(f"{SERVICES}/{number}/draft")).status_code == 404
    assert (await client.post(SERVICES, json=draft("Rehearsed"))).status_code == 201, "the name is free again"


async def test_a_draft_that_fails_a_check_is_not_published(served: Running) -> None:
    """The refusal names the first fault with cause, place and cure, and lists all of them and the warnings."""
    client = await administrator(served, "SERVICE_DEFINER")
    bare = {"name": "Bare", "organisation": "RCD", "site": "RCD01"}
    number = (await client.post(SERVICES, json=bare)).json()["id"]
    told = (await client.get(f"{SERVICES}/{number}/checks")).json()
    assert told["publishable"] is False
    refused = await client.post(f"{SERVICES}/{number}/publish")
    assert (refused.status_code, refused.json()["code"]) == (422, "NOT_PUBLISHABLE")
    assert refused.json()["findings"] == told["findings"]
    assert {each["check"] for each in told["findings"]} == {
        "CLINIC_TYPES", "REQUEST_TYPES", "AGES_AND_SEX", "COMMISSIONING", "CLINICIANS",
    }  # fmt: skip
    assert all(each["detail"] and each["place"].startswith("/") and each["cure"] for each in told["findings"])
    wrong = await client.post(SERVICES, json={**bare, "name": "Bare 2", "site": "R6901"})
    assert (wrong.status_code, wrong.json()["place"]) == (422, "/site")
    taken = await client.post(SERVICES, json=bare)
    assert (taken.status_code, taken.json()["place"]) == (422, "/name")
