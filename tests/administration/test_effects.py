"""What a change causes: log-ins end, searches see a service, a PAS is polled. Later requests see it at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from openers.usecases.listings_cache import ListingsCache
from tests.kit.referrals.rig import SERVICE, Rig, rig
from tests.kit.service.administration import ADMIN, administered, administrator, records, service
from tests.kit.service.requests import search
from tests.kit.service.running import GP, PROVIDER, Running, running, settings_for
from tests.kit.store.outside import fetch

pytestmark = pytest.mark.anyio

PERSON = "555900000010"
ANY = {"If-Match": "*"}
CREDENTIALS = "SELECT kind FROM credentials WHERE person = ? OR application = ? ORDER BY kind"


@pytest.fixture
async def service_on_both(on_both: Running) -> Running:
    """Run a service with administrators, once for each kind of database."""
    return await administered(on_both)


@pytest.fixture
async def rig_on_both(demo_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with a PAS and administrators, once for each kind of database."""
    async with rig(demo_url, keys) as made:
        await administered(made.run)
        yield made


async def _put(client: httpx.AsyncClient, resource: str, key: str, record: dict[str, Any]) -> httpx.Response:
    reply = await client.put(f"{ADMIN}/{resource}/{key}", json=record, headers=ANY)
    if reply.status_code == 412:
        reply = await client.put(f"{ADMIN}/{resource}/{key}", json=record)
    assert reply.is_success, reply.text
    return reply


async def _names(gp: httpx.AsyncClient) -> dict[str, str]:
    """Return the names of the services that a search finds, by id."""
    reply = await gp.post(**search())
    assert reply.status_code == 200, reply.text
    names: dict[str, str] = {}
    for entry in reply.json()["entry"]:
        parts = entry["item"]["extension"][0]["extension"]
        name = next(each["valueString"] for each in parts if each["url"] == "serviceName")
        names[entry["item"]["identifier"]["value"]] = name
    return names


@pytest.mark.parametrize("how", ["ended", "without a role"])
async def test_the_log_ins_of_a_person_end_with_the_person_or_a_role(service_on_both: Running, how: str) -> None:
    """After the reply the token is refused, and no credential of the person is stored. Another change ends nothing."""
    run, client = service_on_both, await administrator(service_on_both)
    roles = [{"organisation": "D82106", "functions": ["REFERRING_CLINICIAN", "REFERRING_ADMIN"]}]
    person = {**records()["people"], "roles": roles, "workgroups": []}
    await _put(client, "people", PERSON, person)
    token = await run.token(PERSON, "demo-user-app")
    theirs = run.anonymous({"Authorization": f"Bearer {token}"})
    address = "/STU3/CodeSystem/SPECIALTY"
    role = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
    assert (await theirs.get(address, headers=role)).status_code == 200
    await _put(client, "people", PERSON, {**person, "name": "Dr Other"})
    assert (await theirs.get(address, headers=role)).status_code == 200
    if how == "ended":
        assert (await client.delete(f"{ADMIN}/people/{PERSON}", headers=ANY)).is_success
    else:
        roles = [{"organisation": "D82106", "functions": ["REFERRING_CLINICIAN"]}]
        await _put(client, "people", PERSON, {**person, "roles": roles})
    assert (await theirs.get(address, headers=role)).status_code == 401
    assert await fetch(run.service.settings.database_url, CREDENTIALS, PERSON, "") == []


async def test_the_tokens_of_an_application_end_with_it(service_on_both: Running) -> None:
    """After the reply its token is refused, and it cannot get another one."""
    run, client = service_on_both, await administrator(service_on_both)
    theirs = await run.as_application("demo-provider-app")
    assert (await theirs.get("/STU3/CodeSystem/SPECIALTY")).status_code == 200
    ended = await client.delete(f"{ADMIN}/applications/demo-provider-app", headers=ANY)
    assert ended.is_success, ended.text
    assert (await theirs.get("/STU3/CodeSystem/SPECIALTY")).status_code == 401
    assert await fetch(run.service.settings.database_url, CREDENTIALS, "none", "demo-provider-app") == []
    form = {"grant_type": "client_credentials", "client_id": "demo-provider-app", "client_secret": "x"}
    assert (await run.pages().post("/oauth2/token", data=form)).json()["error"] == "invalid_client"


async def test_a_search_sees_a_service_as_soon_as_it_is_put(
    service_on_both: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search shows a new, a changed and an ended service at once. Only changed services are read for it."""
    run, client = service_on_both, await administrator(service_on_both)
    gp = await run.as_person(GP)

    before = await _names(gp)
    built: list[object] = []
    monkeypatch.setattr(ListingsCache, "_built", built.append)
    await _put(client, "sites", "RCD99", records()["sites"])
    record = service(PROVIDER, "RCD99")
    await _put(client, "services", "999000001", record)
    assert await _names(gp) == {**before, "999000001": record["name"]}
    await _put(client, "services", "999000001", {**record, "name": "Renamed"})
    assert await _names(gp) == {**before, "999000001": "Renamed"}
    assert (await client.delete(f"{ADMIN}/services/999000001", headers=ANY)).is_success
    assert await _names(gp) == before
    assert built == []


async def test_another_process_sees_a_change_of_a_service_without_a_new_index(
    demo_url: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second service on the same PostgreSQL database reads the changed service alone, also while both change."""
    if demo_url.startswith("sqlite:"):
        return  # one process at a time has the file
    async with running(settings_for(demo_url, keys)) as one, running(settings_for(demo_url, keys)) as two:
        client = await administrator(await administered(one))
        await _put(client, "sites", "RCD99", records()["sites"])
        monkeypatch.setattr(ListingsCache, "_built", None)
        numbers = [str(999000100 + number) for number in range(12)]
        gp = await two.as_person(GP)
        puts = [_put(client, "services", each, service(PROVIDER, "RCD99", each)) for each in numbers]
        replies = await asyncio.gather(*puts, *(gp.post(**search()) for _ in range(12)), return_exceptions=True)
        assert [each for each in replies if isinstance(each, BaseException)] == []
        assert set(numbers) <= (await _names(gp)).keys()


async def test_a_linked_service_is_polled_and_an_ended_link_offers_no_slots(rig_on_both: Rig) -> None:
    """A new address plans a poll. After the end no slot is free, nothing is booked, and a booking can be cancelled."""
    client = await administrator(rig_on_both.run)
    await rig_on_both.add_slots(2)
    referral, (first, second) = await rig_on_both.refer(), await rig_on_both.free()
    booked = await rig_on_both.book(referral, first)
    assert booked.status_code == 201, booked.text
    link = (await client.get(f"{ADMIN}/pas-links/{SERVICE}")).json()
    await _put(client, "pas-links", SERVICE, {**link, "client_id": "demo-provider-app"})
    planned = "SELECT kind FROM due WHERE kind = 'poll slots' AND key = ?"
    assert await fetch(rig_on_both.run.service.settings.database_url, planned, SERVICE) != []
    ended = await client.delete(f"{ADMIN}/pas-links/{SERVICE}", headers=ANY)
    assert (ended.status_code, ended.json()["active"]) == (200, False), ended.text
    assert await rig_on_both.free() == []
    assert await rig_on_both.poll() == 0
    other = await rig_on_both.refer()
    assert (await rig_on_both.book(other, second)).json()["issue"][0]["details"]["coding"][0]["code"] in (
        "SLOT_NOT_AVAILABLE",
        "INAPPROPRIATE_SLOT",
    )
    cancelled = await rig_on_both.cancel(booked.json(), "PATIENT_ILL")
    assert cancelled.status_code == 200, cancelled.text
