"""Who may administer what: every caller, resource and method, with records of the own and of another organisation.

The tables are typed here from the decision (docs/reference/administration.md), not read from the code.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from openers.domain.directory import Assurance
from tests.kit.service.administration import (
    ADMIN,
    COMMISSIONED,
    DESK,
    PEOPLE,
    administered,
    administrator,
    key_of,
    records,
    rule,
    service,
)
from tests.kit.service.running import ELSEWHERE, PROVIDER, Running, copied, running, settings_for
from tests.kit.store.outside import entries

pytestmark = pytest.mark.anyio

ALL, OWN, NONE = "all", "own", "none"
COLUMNS = ("application", "ERS_ADMIN", "SERVICE_DEFINER", "COMMISSIONER")
TABLE: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("organisations", "read"): (ALL, ALL, ALL, ALL),
    ("organisations", "put"): (ALL, ALL, NONE, NONE),
    ("organisations", "end"): (ALL, ALL, NONE, NONE),
    ("sites", "read"): (ALL, ALL, ALL, ALL),
    ("sites", "put"): (ALL, ALL, NONE, NONE),
    ("sites", "end"): (ALL, ALL, NONE, NONE),
    ("people", "read"): (ALL, ALL, OWN, NONE),
    ("people", "put"): (ALL, ALL, NONE, NONE),
    ("people", "end"): (ALL, ALL, NONE, NONE),
    ("applications", "read"): (ALL, ALL, NONE, NONE),
    ("applications", "put"): (ALL, ALL, NONE, NONE),
    ("applications", "end"): (ALL, ALL, NONE, NONE),
    ("code-sets", "read"): (ALL, ALL, ALL, ALL),
    ("code-sets", "put"): (ALL, ALL, NONE, NONE),
    ("code-sets", "end"): (ALL, ALL, NONE, NONE),
    ("services", "read"): (ALL, ALL, OWN, ALL),
    ("services", "put"): (ALL, ALL, OWN, NONE),
    ("services", "end"): (ALL, ALL, OWN, NONE),
    ("commissioning-rules", "read"): (ALL, ALL, ALL, OWN),
    ("commissioning-rules", "put"): (ALL, ALL, NONE, OWN),
    ("commissioning-rules", "end"): (ALL, ALL, NONE, OWN),
    ("pas-links", "read"): (ALL, ALL, OWN, NONE),
    ("pas-links", "put"): (ALL, ALL, OWN, NONE),
    ("pas-links", "end"): (ALL, ALL, OWN, NONE),
    ("patients", "read"): (ALL, ALL, NONE, NONE),
    ("patients", "put"): (ALL, ALL, NONE, NONE),
    ("endpoints", "read"): (ALL, ALL, NONE, NONE),
    ("endpoints", "put"): (ALL, ALL, NONE, NONE),
    ("endpoints", "end"): (ALL, ALL, NONE, NONE),
    ("webhooks", "read"): (ALL, ALL, NONE, NONE),
    ("webhooks", "put"): (ALL, ALL, NONE, NONE),
    ("webhooks", "end"): (ALL, ALL, NONE, NONE),
}
FOREIGN = {
    "commissioning-rules": "999000002-Q98",
    "services": "999000002",
    "pas-links": "999000002",
    "people": "555900000020",
}
"""Records that belong to another organisation."""


def _foreign() -> dict[str, dict[str, Any]]:
    people: dict[str, Any] = {**records()["people"], "id": "555900000020", "workgroups": []}
    people["roles"] = [{"organisation": ELSEWHERE, "functions": ["SERVICE_PROVIDER_CLINICIAN"]}]
    return {
        "organisations": {"ods": "Q98", "name": "Other", "kind": "COMMISSIONER", "postcode": "LS1 4AP"},
        "sites": {**records()["sites"], "ods": "R6999", "organisation": ELSEWHERE},
        "people": people,
        "services": {**service(ELSEWHERE, "R6999", "999000002"), "commissioning": COMMISSIONED},
        "commissioning-rules": rule("999000002", "Q98"),
        "pas-links": {**records()["pas-links"], "service": "999000002"},
    }


@pytest.fixture(scope="module")
async def filled(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path
) -> AsyncGenerator[Running]:
    """Run a service with one record of each resource at the callers' organisation, and some at another one."""
    settings = settings_for(copied(sqlite_template, tmp_path_factory.mktemp("rights")), keys)
    async with running(settings) as run:
        client = await administrator(await administered(run))
        for kept in (records(), _foreign()):
            for resource, record in kept.items():
                reply = await client.put(f"{ADMIN}/{resource}/{key_of(resource, record)}", json=record)
                assert reply.status_code == 201, (resource, reply.text)
        yield run


async def _call(client: httpx.AsyncClient, resource: str, method: str, *, own: bool) -> httpx.Response:
    """Call a method with a record of the caller's own organisation or of another one, changing nothing."""
    if resource == "webhooks":
        return await _of_webhook(client, method)
    record = records()[resource] if own else _foreign().get(resource, records()[resource])
    address = f"{ADMIN}/{resource}/{key_of(resource, record)}"
    match method:
        case "read":
            return await client.get(address)
        case "put":
            changed = {**record, **({"url": "http://127.0.0.1:8/x"} if resource == "pas-links" else {})}
            changed |= {"starts": "2027-01-01"} if resource == "commissioning-rules" else {}
            changed |= {name: "Changed" for name in ("name", "given_name") if name in record}
            return await client.put(address, json=changed, params={"dry_run": "true"}, headers={"If-Match": "*"})
        case _:
            return await client.delete(address, params={"dry_run": "true"}, headers={"If-Match": "*"})


async def _of_webhook(client: httpx.AsyncClient, method: str) -> httpx.Response:
    registered = await client.post(f"{ADMIN}/webhooks", json={"url": "http://127.0.0.1:9/hook"})
    if method == "put":
        return registered
    known = registered.json().get("id", "x")
    address = f"{ADMIN}/webhooks/{known}"
    return await (client.get(address) if method == "read" else client.delete(address))


@pytest.mark.parametrize(("resource", "method"), list(TABLE))
async def test_a_caller_may_do_what_the_table_says(filled: Running, resource: str, method: str) -> None:
    """A right for all reaches every record, one for the own organisation only its records, and none nothing."""
    for caller, reach in zip(COLUMNS, TABLE[resource, method], strict=True):
        client = await administrator(filled, caller)
        for own in (True, False):
            reply = await _call(client, resource, method, own=own)
            is_allowed = reach == ALL or (reach == OWN and own)
            assert reply.is_success == is_allowed, (caller, own, reply.text)
            if not is_allowed:
                hidden = reach == OWN and method in ("read", "end")
                assert reply.status_code == (404 if hidden else 403), (caller, own, reply.text)
                assert reply.json().keys() >= {"detail", "place", "cure"}


@pytest.mark.parametrize(("resource", "method"), [each for each in TABLE if each[1] == "read"])
async def test_a_list_holds_what_the_caller_may_see(filled: Running, resource: str, method: str) -> None:
    """A caller with the right for its own organisation gets its records alone."""
    for caller, reach in zip(COLUMNS, TABLE[resource, method], strict=True):
        client = await administrator(filled, caller)
        reply = await client.get(f"{ADMIN}/{resource}", params={"limit": 250})
        assert reply.status_code == (403 if reach == NONE else 200), (caller, reply.text)
        if reach != NONE and resource in FOREIGN:
            keys = {each["key"] for each in reply.json()["items"]}
            assert (FOREIGN[resource] in keys) == (reach == ALL), caller
            assert key_of(resource, records()[resource]) in keys
        if reach == OWN:
            other = await client.get(f"{ADMIN}/{resource}", params={"organisation": ELSEWHERE})
            assert other.status_code == 403


async def test_a_person_needs_an_application_that_is_registered_to_administer(filled: Running) -> None:
    """An ERS_ADMIN with the token of another application is refused, and so is such an application itself."""
    client = await administrator(filled, "ERS_ADMIN", through="demo-user-app")
    refused = await client.get(f"{ADMIN}/organisations")
    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ALLOWED")
    assert "not registered to administer" in refused.json()["detail"]
    client.headers["Authorization"] = f"Bearer {await filled.token(None, 'demo-provider-app')}"
    assert (await client.get(f"{ADMIN}/organisations")).status_code == 403
    for headers, status in (({}, 401), ({"Authorization": "Bearer x"}, 401)):
        assert (await filled.pages().get(f"{ADMIN}/organisations", headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"NHSD-End-User-Organisation-ODS": ""}, 400),
        ({"NHSD-End-User-Organisation-ODS": ELSEWHERE}, 403),
        ({"NHSD-eRS-Business-Function": ""}, 403),
        ({"NHSD-eRS-Business-Function": "SERVICE_DEFINER"}, 403),
        ({"NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}, 403),
    ],
)
async def test_a_person_acts_in_a_role_they_hold(filled: Running, headers: dict[str, str], status: int) -> None:
    """The headers must name a role of the person that may administer."""
    client = await administrator(filled, "ERS_ADMIN")
    assert (await client.get(f"{ADMIN}/organisations", headers=headers)).status_code == status


async def test_a_weak_log_in_does_not_administer(filled: Running) -> None:
    """A person whose identity is not verified is refused, as everywhere."""
    weak = Assurance(identity_level=1)
    token = await filled.token(PEOPLE["ERS_ADMIN"].user, DESK, assurance=weak)
    client = await administrator(filled, "ERS_ADMIN")
    client.headers["Authorization"] = f"Bearer {token}"
    assert (await client.get(f"{ADMIN}/organisations")).status_code == 401


async def test_a_clinician_of_the_application_does_not_administer(filled: Running) -> None:
    """A person without such a function is refused, also through an application that administers."""
    token = await filled.token("555073103100", DESK)
    client = filled.pages()
    client.headers = httpx.Headers(
        {"Authorization": f"Bearer {token}", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
    )
    client.headers["NHSD-End-User-Organisation-ODS"] = "D82106"
    assert (await client.get(f"{ADMIN}/organisations")).status_code == 403


async def test_a_change_is_audited_with_its_caller(filled: Running) -> None:
    """The entry names application, person, role and act; a refusal names its code."""
    client = await administrator(filled, "SERVICE_DEFINER")
    before = len(await _entries(filled))
    record = {**records()["services"], "exclusions": "None"}
    await client.put(f"{ADMIN}/services/999000001", json=record, headers={"If-Match": "*"})
    await client.put(f"{ADMIN}/organisations/ZZ1", json=records()["organisations"])
    done, refused = (await _entries(filled))[before:]
    assert (done["application"], done["user"], done["organisation"]) == (DESK, PEOPLE["SERVICE_DEFINER"].user, PROVIDER)
    assert (done["business_function"], done["act"], done["outcome"]) == (
        "SERVICE_DEFINER",
        "put services 999000001",
        200,
    )
    assert done["services"] == ["999000001"]
    assert (refused["outcome"], refused["code"]) == (403, "NOT_ALLOWED")


async def _entries(run: Running) -> list[dict[str, Any]]:
    """Return the audit entries of the administration, in order."""
    return [each for each in await entries(run) if each["audit_type"] == "API Administration"]
