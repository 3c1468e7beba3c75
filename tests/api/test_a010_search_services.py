"""A010 in the demo world: the services found, their order, number and distance. Source: rules chapter 4 (A010)."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from tests.kit.calls.expectations import services_of
from tests.kit.service.arrangements import put, service_called, settled
from tests.kit.service.requests import DIRECTORY, ODS, SDS_USER, Json, coding, criteria, identifier, search, specialty
from tests.kit.service.running import GP, Running

from openers.domain.directory import ServiceStatus
from openers.domain.geography import distance_miles
from openers.domain.identifiers import Postcode

pytestmark = pytest.mark.anyio

BY_WAIT = coding("sortBy", "SortBy", "IWT")
ADVICE = coding("requestType", "RequestType", "ADVICE_AND_GUIDANCE_REQUEST")
HEART = {str(11001 + n) for n in (*range(12), *range(14, 21), 28, 29)}
"""Heart failure services that every practice may book or send for triage. 11013, 11014 and 11028 are not among them."""


@pytest.fixture(scope="module")
async def gp(shared: Running) -> httpx.AsyncClient:
    return await shared.as_person(GP)


async def listed(client: httpx.AsyncClient, request: Json) -> list[Json]:
    """Return the entries of a search, which must succeed."""
    reply = await client.post(**request)
    assert reply.status_code == 200, reply.text
    return reply.json()["entry"]


def shown(entry: Json, url: str) -> Any:
    """Return the value of one part of a list entry, or `None` if the part is missing."""
    parts: list[Json] = entry["extension"][0]["extension"]
    values = [value for part in parts if part["url"] == url for key, value in part.items() if key != "url"]
    return values[0] if values else None


async def test_a_search_finds_bookable_and_triage_services(gp: httpx.AsyncClient) -> None:
    entries = await listed(gp, search())
    assert set(services_of({"entry": entries})) == HEART


async def test_an_advice_search_finds_those_that_give_advice(gp: httpx.AsyncClient) -> None:
    entries = await listed(gp, search(ADVICE))
    assert set(services_of({"entry": entries})) == {"11010", "11011", "11014"}


async def test_distances_are_whole_miles_from_the_postcode_asked_for(shared: Running, gp: httpx.AsyncClient) -> None:
    for postcode in ("LS1 4EY", "HG1 1AB", "br11ae", " Br1  1aE "):
        of = criteria({"name": "postcode", "valueString": postcode})
        origin = shared.service.world.reference.locate(Postcode(postcode))
        assert origin is not None
        previous = 0.0
        for entry in await listed(gp, search(of=of)):
            number = entry["item"]["identifier"]["value"]
            service = await service_called(shared, number)
            there = shared.service.world.reference.locate(service.postcode)
            assert there is not None
            miles = distance_miles(origin, there)
            assert abs(shown(entry, "distance") - miles) <= 0.5
            assert miles >= previous
            previous = miles


async def test_without_a_postcode_the_patients_own_counts(gp: httpx.AsyncClient) -> None:
    own = criteria({"name": "postcode", "valueString": "LS1 4EY"})
    assert await listed(gp, search(of=own)) == await listed(gp, search())


async def test_by_wait_the_shortest_comes_first_and_the_unknown_last(gp: httpx.AsyncClient) -> None:
    waits = [shown(entry, "indicativeAppointmentWaitTime") for entry in await listed(gp, search(BY_WAIT))]
    days = [wait for wait in waits if isinstance(wait, int)]
    assert days == sorted(days) == waits[: len(days)]
    coded = [wait["coding"][0]["code"] for wait in waits[len(days) :]]
    assert set(coded) == {"LIMITED_AVAILABILITY", "NOT_APPLICABLE"}


@pytest.mark.parametrize("most", [1, 3, 21, 1000])
async def test_the_list_is_the_top_of_its_order(shared: Running, gp: httpx.AsyncClient, most: int) -> None:
    client = await settled(shared, search_limit=most).as_person(GP)
    for change in (BY_WAIT, coding("sortBy", "SortBy", "DISTANCE")):
        assert await listed(client, search(change)) == (await listed(gp, search(change)))[:most]


async def test_nothing_found_says_so(gp: httpx.AsyncClient) -> None:
    of = criteria(specialty("UROLOGY"), coding("clinicType", "ClinicType", "PROSTATE"))
    narrow = criteria(*of["parameter"], {"name": "indicativeAppointmentWaitTimeLimit", "valueUnsignedInt": 1})
    body = (await gp.post(**search(of=narrow))).json()
    assert body["entry"] == []
    assert body["emptyReason"]["coding"] == [
        {
            "system": "http://hl7.org/fhir/ValueSet/list-empty-reason",
            "code": "nilknown",
            "display": "no results",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "without", "expected"),
    [
        ((coding("clinicalTerm", "http://snomed.info/sct", "1003"),), ("specialty", "clinicType"), HEART | {"11004"}),
        ((identifier("namedClinician", SDS_USER, "021600556514"),), ("specialty", "clinicType"), None),
        ((identifier("organisation", DIRECTORY, "R69"),), (), None),
    ],
)
async def test_ways_to_search(
    shared: Running, gp: httpx.AsyncClient, changes: tuple[Json, ...], without: tuple[str, ...], expected: Any
) -> None:
    numbers = set(services_of({"entry": await listed(gp, search(of=criteria(*changes, without=without)))}))
    if expected is not None:
        assert numbers == expected
        return
    assert numbers
    for number in numbers:
        service = await service_called(shared, number)
        assert "021600556514" in service.clinicians or service.organisation == "R69"


async def test_commissioning_follows_the_organisation_named(gp: httpx.AsyncClient) -> None:
    own = services_of({"entry": await listed(gp, search())})
    named = identifier("commissioningRuleOrganisation", ODS, "B86011")
    theirs = services_of({"entry": await listed(gp, search(named))})
    assert set(theirs) - set(own) == {"11013"}


async def test_what_was_sent_as_provisioning_is_ignored(gp: httpx.AsyncClient) -> None:
    for code in ("ALL_AVAILABLE_FOR_BOOKING", "ALL_SERVICES", "LOCALLY_COMMISSIONABLE", "NATIONALLY_AVAILABLE"):
        of = criteria(coding("commissioningProvisioning", "CommissioningProvisioning", code))
        assert await listed(gp, search(of=of)) == await listed(gp, search())


async def test_a_change_of_the_directory_shows_at_once(service: Running) -> None:
    gp = await service.as_person(GP)
    assert "11001" in services_of({"entry": await listed(gp, search())})
    changed = await service_called(service, "11001")
    await put(service, msgspec.structs.replace(changed, status=ServiceStatus.WITHDRAWN))
    assert "11001" not in services_of({"entry": await listed(gp, search())})
    await put(service, msgspec.structs.replace(changed, name="Back again"))
    entry = next(each for each in await listed(gp, search()) if each["item"]["identifier"]["value"] == "11001")
    names = [part for part in entry["item"]["extension"][0]["extension"] if part["url"] == "serviceName"]
    assert names == [{"url": "serviceName", "valueString": "Back again"}]


async def test_display_prominently_is_told(gp: httpx.AsyncClient) -> None:
    entries = await listed(gp, search())
    prominent = {each["item"]["identifier"]["value"] for each in entries if shown(each, "displayProminently")}
    assert prominent == {"11002", "11012"}
