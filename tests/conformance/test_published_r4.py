"""R4 responses and refusals have the shape of the published ones."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from tests.conformance.likeness import Json, differences, unlike
from tests.conformance.register import assert_registered
from tests.conformance.worlds import World
from tests.kit.documents.reference import examples, published
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import CONSULTANT_ADMIN, GP, GP_ADMIN, PRACTICE, PROVIDER_ADMIN, RC, Person, Running

pytestmark = pytest.mark.anyio
Count = Callable[[int], None]
UBRN = "https://fhir.nhs.uk/Id/UBRN|"
NOBODY = "000000000000"


def around(bundle: Json) -> Json:
    """Return the bundle without its entries, its query and its total."""
    assert bundle["total"] == len(bundle.get("entry", []))
    links = [{**each, "url": each["url"].partition("?")[0]} for each in bundle["link"]]
    return {**{name: value for name, value in bundle.items() if name not in ("entry", "total")}, "link": links}


def assert_like(number: str, replies: list[httpx.Response]) -> int:
    """Assert that bundles have the shape of the operation's published ones; return how many there are."""
    bundles = [each.read() for each in published(number)]
    for reply in replies:
        assert reply.status_code == 200, reply.text
        ours = reply.json()
        assert ours["link"][0]["url"] == str(reply.url)
        assert ("entry" in ours) == bool(ours["total"]), "published bundles without entries have no list of them"
        assert_registered(f"{number} bundle", differences(around(bundles[0]), around(ours)))
    theirs = [entry for each in bundles for entry in each.get("entry", [])]
    assert_registered(number, unlike(theirs, [entry for each in replies for entry in each.json().get("entry", [])]))
    return len(bundles)


async def test_business_functions(world: World, served: Running, compared: Count) -> None:
    """A030 lists the roles of a user at two organisations."""
    client = await served.as_person(world.person(GP_ADMIN))
    replies = [await client.get("/R4/PractitionerRole")]
    assert replies[0].json()["total"] == 2
    compared(assert_like("A030", replies))


async def test_services_one_by_one(world: World, served: Running, compared: Count) -> None:
    """A033 and A037 return each service, with all published elements or the fewest."""
    client = await served.as_person(world.person(GP))
    ours = list[Json]()
    for service in (each for each in world.pack.services if each.is_published):
        reply = await client.get(f"/R4/HealthcareService/{service.id}")
        assert reply.status_code == 200, reply.text
        version = await client.head(f"/R4/HealthcareService/{service.id}")
        assert version.headers["etag"] == reply.headers["etag"] == f'W/"{reply.json()["meta"]["versionId"]}"'
        ours.append(reply.json())
    theirs = [each.read() for each in published("A033")]
    assert_registered("A033", unlike(theirs, ours))
    compared(len(theirs))


async def test_services_by_id(world: World, served: Running, compared: Count) -> None:
    """A035 returns twenty services at once, or none."""
    client = await served.as_person(world.person(GP))
    known = ",".join(each.id for each in world.pack.services[:20])
    replies = [await client.get(f"/R4/HealthcareService?_id={ids}") for ids in (known, "900001,900002")]
    assert [each.json()["total"] for each in replies] == [20, 0]
    compared(assert_like("A035", replies))


async def test_clinicians_to_act_for(world: World, served: Running, compared: Count) -> None:
    """A040 lists the clinicians on whose behalf an admin may act."""
    client = await served.as_person(world.person(CONSULTANT_ADMIN))
    compared(assert_like("A040", [await client.get("/R4/Practitioner?_query=onBehalfOf")]))


async def test_requests_by_ubrn(world: World, served: Running, compared: Count) -> None:
    """A041 finds a referral, or nothing.

    `test_published_advice.py` compares the published request for advice.
    """
    client = await served.as_person(world.person(GP))
    request = next(each for each in published("A011", "request") if each.name == "MinimalRequest.json")
    created = (await client.post(request.address, json=world.told(request.read()), headers=HEADERS)).json()
    addresses = [f"/R4/ServiceRequest?identifier={quote(UBRN + each, '')}" for each in (created["id"], NOBODY)]
    replies = [await client.get(address) for address in addresses]
    assert [each.json()["total"] for each in replies] == [1, 0]
    found = replies[0].json()["entry"][0]["resource"]
    assert (found["id"], found["meta"]) == (
        created["identifier"][0]["value"],
        {"versionId": created["meta"]["versionId"]},
    )
    example = next(each for each in published("A041") if each.name == "ResponseExampleReferral.json")
    expected = world.told(example.read()["entry"][0]["resource"])
    for each in (expected, found):
        each["identifier"][0].pop("value")
        each["id"] = created["id"]
    assert_registered(example.path, differences(expected, found))
    compared(assert_like("A041", replies) - 1)


WEAKLY_LOGGED_IN = Person("656005750110", PRACTICE, RC)
REFUSED: tuple[tuple[str, str, Person | None, str, Json], ...] = (
    ("r4", "NHSDigital-OperationOutcome-400.json", GP, "/R4/HealthcareService?_id=x", {}),
    ("r4", "NHSDigital-OperationOutcome-401.json", None, "/R4/PractitionerRole", {}),
    ("r4", "NHSDigital-OperationOutcome-403.json", PROVIDER_ADMIN, "/R4/HealthcareService/1", {}),
    ("r4", "NHSDigital-OperationOutcome-404.json", GP, "/R4/HealthcareService/900001", {}),
    ("r4", "NHSDigital-OperationOutcome-406.json", GP, "/R4/PractitionerRole", {"Accept": "text/html"}),
    ("a042", "404-example.json", GP, "/R4/Binary/0e2c9a52-6d0f-4a0e-9f0e-0a1b2c3d4e5f", {}),
    ("a033", "404-example.json", GP, "/R4/HealthcareService/900001", {}),
    ("stu3", "STU3-Unauthorised.json", WEAKLY_LOGGED_IN, "/STU3/CodeSystem/PRIORITY", {}),
    ("stu3", "STU3-Forbidden.json", PROVIDER_ADMIN, "/STU3/CodeSystem/PRIORITY", {}),
)
"""Part of the path and name of a published refusal; the caller, address and headers that lead to it."""
STATUS = {"STU3-Unauthorised.json": "401", "STU3-Forbidden.json": "403"}
"""Statuses of examples for which the publisher states none."""


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case[0]}-{case[1]}")
async def test_refusals(
    case: tuple[str, str, Person | None, str, Json], world: World, served: Running, compared: Count
) -> None:
    """Refusals have the published codes and shape."""
    where, name, who, address, headers = case
    example = next(each for each in examples() if each.name == name and where in each.path)
    client = served.anonymous() if who is None else await served.as_person(world.person(who))
    reply = await client.get(address, headers=headers)
    assert str(reply.status_code) == (example.status or STATUS.get(name))
    assert_registered(example.path, differences(example.read(), reply.json()))
    compared(1)


async def test_unexpected_field(world: World, served: Running, compared: Count) -> None:
    """An unknown parameter within the criteria of a shortlist is refused as published."""
    example = next(each for each in examples() if each.name == "STU3-OperationOutcome.json")
    request = next(each for each in published("A011", "request") if each.name == "MinimalRequest.json")
    body = world.told(request.read())
    parameters: list[Json] = body["parameter"]
    body["parameter"] = sorted(parameters, key=lambda each: each["name"] != "shortlist")
    body["parameter"][0]["resource"]["contained"][0]["parameter"][1]["name"] = "unknownParameter"
    client = await served.as_person(world.person(GP))
    reply = await client.post(request.address, json=body, headers=HEADERS)
    assert reply.status_code == 422
    assert_registered(example.path, differences(example.read(), reply.json()))
    assert "parameter[0]/resource/contained[0]/parameter[1]" in reply.json()["issue"][0]["diagnostics"]
    compared(1)
