"""Invalid and random bodies never cause a failure of the service. Each error names the place, and nothing is stored.

The systematic tests change every node of valid requests in turn (`tests/kit/calls/mutations.py`). The random tests use
any JSON, and parts of valid requests in wrong combinations.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.calls.expectations import BY_NAME, check_refusal, place_of, told
from tests.kit.calls.mutations import Mutation, mutations
from tests.kit.referrals.stage import Stage
from tests.kit.referrals.worklists import asking
from tests.kit.service.arrangements import instant, stored
from tests.kit.service.requests import (
    HEADERS,
    Json,
    coding,
    create_for_triage,
    create_referral,
    criteria,
    identifier,
    search,
)
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, GP, Running

pytestmark = pytest.mark.anyio

RICH = criteria(
    {"name": "indicativeAppointmentWaitTimeLimit", "valueUnsignedInt": 90},
    {"name": "postcode", "valueString": "LS1 4EY"},
    {"name": "distanceLimit", "valueUnsignedInt": 50},
    coding("clinicalTerm", "http://snomed.info/sct", "1003"),
    coding("commissioningProvisioning", "CommissioningProvisioning", "ALL_SERVICES"),
    appropriate=True,
)
REQUESTS: dict[str, Json] = {
    "A008": asking("AWAITING_BOOKING"),
    "A010": search(
        identifier("commissioningRuleOrganisation", "https://fhir.nhs.uk/Id/ods-organization-code", "D82106"), of=RICH
    ),
    "A011": create_referral(
        {"name": "eReferralPathwayStart", "valueInstant": instant(datetime.now(UTC) - timedelta(days=20))},
        services=["11002", "11001"],
        of=RICH,
    ),
    "A021": create_for_triage(),
}


@pytest.fixture(scope="module")
async def gp(shared: Running) -> httpx.AsyncClient:
    return await shared.as_person(GP)


async def sent(client: httpx.AsyncClient, name: str, body: Any) -> httpx.Response:
    """Send a body that a client library might not be able to send; return the reply."""
    return await client.post(BY_NAME[name].path, content=json.dumps(body), headers=HEADERS)


def fault_of(name: str, mutation: Mutation, reply: httpx.Response) -> str:
    """Return the fault in the reply to an invalid body, or an empty text."""
    about = f"{name} {mutation.place} {mutation.how}: {reply.status_code} {reply.text[:300]}"
    if reply.status_code == BY_NAME[name].success:
        return ""
    if reply.status_code not in (400, 422):
        return about
    check_refusal(reply, "STU3")
    if reply.status_code == 400:  # a number that is out of range
        return "" if "out of range" in told(reply)[3] else about
    return "" if mutation.named_by(place_of(reply)) else about


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_spoilt_node_is_refused_by_name_and_changes_nothing(
    shared: Running, gp: httpx.AsyncClient, name: str
) -> None:
    valid: Json = REQUESTS[name]["json"]
    assert (await sent(gp, name, valid)).is_success
    before, faults, accepted = stored(shared), list[str](), set[str]()
    for mutation in mutations(valid):
        reply = await sent(gp, name, mutation.body)
        if fault := fault_of(name, mutation, reply):
            faults.append(fault)
        now = stored(shared)
        if reply.is_success:
            accepted.add(f"{mutation.place} {mutation.how}")
        elif now != before:
            faults.append(f"{name} {mutation.place} {mutation.how}: refused, and something was stored")
        before = now
    assert not faults, "\n".join(faults)
    assert len(accepted) < 120, sorted(accepted)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANY_JSON = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
)
WORDS = st.sampled_from(
    (
        *(
            "resourceType",
            "Parameters",
            "meta",
            "profile",
            "parameter",
            "name",
            "resource",
            "valueCoding",
            "valueIdentifier",
        ),
        *(
            "system",
            "value",
            "code",
            "patient",
            "shortlist",
            "searchCriteria",
            "List",
            "contained",
            "entry",
            "item",
            "id",
        ),
    )
)
PIECES = st.sampled_from(
    [piece for request in REQUESTS.values() for piece in (request["json"], *request["json"]["parameter"])]
    + [request["json"]["meta"] for request in REQUESTS.values()]
    + [9912003888, "9912003888", "APPOINTMENT_REQUEST", "\ud800", float("inf"), "11002"]
)
LIKELY = st.recursive(
    PIECES | SCALARS, lambda children: st.lists(children, max_size=4) | st.dictionaries(WORDS, children, max_size=5)
)


def whole(name: str, parameters: Any) -> Json:
    """Return a body with a valid frame and any parameters."""
    return {**REQUESTS[name]["json"], "parameter": parameters}


BODIES = ANY_JSON | LIKELY | st.builds(whole, st.sampled_from(sorted(REQUESTS)), LIKELY | st.lists(PIECES, max_size=6))


@pytest.mark.parametrize("name", REQUESTS)
@settings(max_examples=150, deadline=None)
@given(body=BODIES)
async def test_random_json_never_fails_the_service(
    shared: Running, gp: httpx.AsyncClient, name: str, body: Any
) -> None:
    before = stored(shared)
    reply = await sent(gp, name, body)
    if not reply.is_success:
        check_refusal(reply, "STU3")
        assert stored(shared) == before


@pytest.mark.parametrize("name", REQUESTS)
@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
async def test_random_bytes_never_fail_the_service(
    shared: Running, gp: httpx.AsyncClient, name: str, content: bytes
) -> None:
    before = stored(shared)
    reply = await gp.post(BY_NAME[name].path, content=content, headers=HEADERS)
    assert reply.status_code in (400, 422)
    check_refusal(reply, "STU3")
    assert stored(shared) == before


# ----------------------------------------------------------------------------------- addresses, queries and headers


@pytest.fixture(scope="module")
async def callers(shared: Running) -> dict[str, httpx.AsyncClient]:
    people = {"RC": GP, "SPC": CONSULTANT, "SPCA": CONSULTANT_ADMIN}
    return {name: await shared.as_person(people[each.who]) for name, each in BY_NAME.items()}


VALUES = st.text(max_size=20) | st.sampled_from(
    ["", "onBehalfOf", "11001", "11001,,", "000000000001", "https://fhir.nhs.uk/Id/UBRN|", "%", "%zz", "\x00", "é"]
)
QUERY = st.lists(st.tuples(st.sampled_from(["_id", "_query", "identifier", "x", ""]) | st.text(max_size=5), VALUES))
RAW = st.text("abc%&=;+|,/01_", max_size=30)
HEADER = st.sampled_from(
    (
        *(
            "Accept",
            "Content-Type",
            "X-Correlation-ID",
            "X-Request-ID",
            "If-Match",
            "Host",
            "NHSD-eRS-Business-Function",
        ),
        *("NHSD-End-User-Organisation-ODS", "NHSD-eRS-On-Behalf-Of-User-ID", "Authorization", "x-ers-user-id"),
    )
)
HEADER_VALUE = st.binary(max_size=40).filter(lambda value: not set(value) & {0, 10, 13})


@settings(max_examples=40, deadline=None)
@given(query=QUERY | RAW)
async def test_random_queries_never_fail_the_service(
    stage: Stage, callers: dict[str, httpx.AsyncClient], query: Any
) -> None:
    for name, client in callers.items():
        expected = BY_NAME[name]
        url = httpx.URL((await expected.address(stage)).partition("?")[0])
        asked = url.copy_with(query=query.encode()) if isinstance(query, str) else url.copy_with(params=query)
        reply = await expected.call(client, stage, url=asked)
        assert reply.status_code in (expected.success, 400), reply.text
        if reply.status_code == 400:
            check_refusal(reply, expected.fhir)


@settings(max_examples=40, deadline=None)
@given(headers=st.lists(st.tuples(HEADER, HEADER_VALUE), max_size=4))
async def test_random_headers_never_fail_the_service(
    stage: Stage, callers: dict[str, httpx.AsyncClient], headers: list[tuple[str, bytes]]
) -> None:
    for name, client in callers.items():
        reply = await BY_NAME[name].call(client, stage, dict(headers))  # pyright: ignore[reportArgumentType]  # httpx sends bytes unchanged
        if reply.status_code != BY_NAME[name].success:
            check_refusal(reply, BY_NAME[name].fhir)


PATHS = st.lists(
    st.sampled_from(
        (
            *(
                "STU3",
                "R4",
                "ReferralRequest",
                "_history",
                "CodeSystem",
                "PRIORITY",
                "HealthcareService",
                "11001",
                "3",
                "..",
            ),
            *(
                "$ers.createReferral",
                "000000000001",
                "",
                "PractitionerRole",
                "metadata",
                "%00",
                "%2F",
                "%FF%FE",
                "\u20ac",
            ),
        )
    )
    | st.text(max_size=6).filter(lambda text: not set(text) & set("?#\ud800")),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(steps=PATHS, method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE"]))
async def test_random_addresses_never_fail_the_service(gp: httpx.AsyncClient, steps: list[str], method: str) -> None:
    try:
        url = httpx.URL("http://127.0.0.1:8000/referrals/FHIR/" + "/".join(steps))
    except httpx.InvalidURL:
        return
    if not url.path.startswith("/referrals/FHIR"):  # dots in the path led out of the FHIR addresses
        return
    reply = await gp.request(method, url)
    if not reply.is_success:
        check_refusal(reply, "R4" if url.path.startswith("/referrals/FHIR/R4") else "STU3")
