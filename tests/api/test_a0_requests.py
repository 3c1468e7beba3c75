"""Rules for every request: media types, methods, addresses, size limits, and harmless deviations that are accepted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.kit.calls.expectations import BY_NAME, OPERATIONS, OUTCOME, TEXT, check_refusal, told
from tests.kit.referrals.stage import Stage
from tests.kit.service.requests import create_referral, search
from tests.kit.service.running import CONSULTANT, CONSULTANT_ADMIN, FHIR, GP, Running, copied, running, settings_for

pytestmark = pytest.mark.anyio
BODIES = [each.name for each in OPERATIONS if each.has_body]
FHIR_ALONE = [each.name for each in OPERATIONS if each.media in (OUTCOME, None) and not each.accepts_anything]
"""Operations that return FHIR JSON or no body. A006, A007 and A019 return files; A042 never returns 406 (rules 14)."""
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROBNICATE")


@dataclass
class Arranged:
    """A service, the records for its operations, and clients of a GP, a consultant and an admin who may call A040."""

    run: Running
    stage: Stage
    gp: httpx.AsyncClient
    consultant: httpx.AsyncClient
    admin: httpx.AsyncClient

    async def send(self, name: str, content: Any, headers: dict[str, str]) -> httpx.Response:
        """Send any body to an operation with these headers."""
        expected = BY_NAME[name]
        address = await expected.address(self.stage)
        client = self.client(name)
        return await client.request(expected.method, address, content=content, headers={**expected.headers, **headers})

    def client(self, name: str) -> httpx.AsyncClient:
        """Return a client that may call the operation."""
        return {"RC": self.gp, "SPC": self.consultant, "SPCA": self.admin}[BY_NAME[name].who]


@pytest.fixture(scope="module")
async def arranged(shared: Running, stage: Stage) -> Arranged:
    admin = replace(CONSULTANT_ADMIN, on_behalf_of=None)
    people = [await shared.as_person(each) for each in (GP, CONSULTANT, admin)]
    return Arranged(shared, stage, *people)


@pytest.mark.parametrize("accept", ["application/json", "text/html, image/*", f"{FHIR};q=0, */*", "application/*;q=0"])
@pytest.mark.parametrize("name", FHIR_ALONE)
async def test_an_accept_header_that_excludes_fhir_is_refused(arranged: Arranged, name: str, accept: str) -> None:
    expected = BY_NAME[name]
    reply = await expected.call(arranged.client(name), arranged.stage, {"Accept": accept})
    assert reply.status_code == 406
    if expected.fhir == "STU3":
        assert (reply.headers["content-type"], bool(reply.text)) == (TEXT, True)
    elif expected.method != "HEAD":
        assert told(reply)[1:3] == ("not-supported", "REC_NOT_ACCEPTABLE")


@pytest.mark.parametrize("accept", ["", "*/*", "application/*;q=0.1", f'text/plain;a="b,c", {FHIR};q=0.2'])
@pytest.mark.parametrize("name", FHIR_ALONE)
async def test_an_accept_header_that_allows_fhir_is_fine(arranged: Arranged, name: str, accept: str) -> None:
    expected = BY_NAME[name]
    reply = await expected.call(arranged.client(name), arranged.stage, {"Accept": accept})
    assert (reply.status_code, reply.headers.get("content-type")) == (expected.success, expected.media)


@pytest.mark.parametrize("sent", [None, "", "application/json", "text/plain", f"{FHIR};charset=latin-1"])
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_must_be_fhir_json(arranged: Arranged, name: str, sent: str | None) -> None:
    headers = {} if sent is None else {"Content-Type": sent}
    reply = await arranged.send(name, b"{}", headers)
    assert (reply.status_code, reply.headers["content-type"]) == (415, TEXT)
    assert reply.text == "Content-Type must be application/fhir+json."


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "is empty"),
        (b"   ", "is empty"),
        (b"{", "(byte 1)"),
        (b'{"a":1,}', "(byte 7)"),
        (b"\xff\xfe", "The body"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b"{'a':1}", "(byte 1)"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 20_000, "nested too deeply"),
        (b"NaN", "(byte 0)"),
        (b'{"a":1e999999}', "The body"),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_json(arranged: Arranged, name: str, content: bytes, place: str) -> None:
    reply = await arranged.send(name, content, {"Content-Type": FHIR})
    assert told(reply)[:3] == (400, "structure", "INVALID_FHIR_STRUCTURE")
    assert place in told(reply)[3]
    check_refusal(reply, "STU3")


@pytest.mark.parametrize("content", [b"[]", b"null", b"1", b'"x"', b"true"])
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_object(arranged: Arranged, name: str, content: bytes) -> None:
    reply = await arranged.send(name, content, {"Content-Type": FHIR})
    assert told(reply) == (422, "structure", "INVALID_FHIR_STRUCTURE", "'body' must be a JSON object")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_too_long(arranged: Arranged, name: str, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1025):
            yield b" " * 1024

    content: Any = chunks() if chunked else b" " * (1024 * 1024 + 1)
    reply = await arranged.send(name, content, {"Content-Type": FHIR})
    assert reply.status_code == 413
    check_refusal(reply, "STU3")


@pytest.mark.parametrize("name", BY_NAME)
async def test_other_methods_are_refused_and_the_allowed_ones_named(arranged: Arranged, name: str) -> None:
    expected = BY_NAME[name]
    allowed = sorted({each.method for each in OPERATIONS if each.template == expected.template})
    for method in METHODS:
        if method in allowed:
            continue
        reply = await expected.call(arranged.client(name), arranged.stage, method=method)
        assert (reply.status_code, reply.headers["allow"]) == (405, ", ".join(allowed))
        check_refusal(reply, expected.fhir)
        assert method != "HEAD" or not reply.content


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/STU3/CodeSystems/PRIORITY", "/STU3/CodeSystem/{codeSystemType}"),
        ("/STU3/ReferralRequest/000000000001/_histroy/3", "/STU3/ReferralRequest/{ubrn}/_history/{version}"),
        ("/STU3/ReferralRequest/$ers.createReferal", "/STU3/ReferralRequest/$ers.createReferral"),
        ("/STU3/HealthcareService/ers.searchHealthcareServicesForPatient", search()["url"]),
        ("/R4/PractitionerRoles", "/R4/PractitionerRole"),
        ("/R4/ServiceRequests", "/R4/ServiceRequest"),
        ("/R4/HealthcareServices/11001", "/R4/HealthcareService/{id}"),
        ("/STU4/HealthcareService", "/R4/HealthcareService"),
        ("/", None),
        ("", None),
        ("/STU3", None),
        ("/R4", None),
        ("/STU3/CodeSystem", None),
        ("/R4/HealthcareService/11001/x", None),
        ("/STU3/ReferralRequest/\u00e9\u20ac/%FF%00/x", None),
    ],
)
async def test_an_unknown_address_is_told_with_the_nearest_known_one(
    arranged: Arranged, path: str, nearest: str | None
) -> None:
    reply = await arranged.gp.get(path)
    assert reply.status_code == 404
    check_refusal(reply, "R4" if path.startswith("/R4") else "STU3")
    assert "does not exist. Did you mean '" in told(reply)[3]
    if nearest is not None:
        assert told(reply)[3].endswith(f"Did you mean '{nearest}'?")


@pytest.mark.parametrize("name", BY_NAME)
async def test_a_trailing_slash_is_tolerated(arranged: Arranged, name: str) -> None:
    expected = BY_NAME[name]
    path, mark, query = (await expected.address(arranged.stage)).partition("?")
    reply = await expected.call(arranged.client(name), arranged.stage, url=f"{path}/{mark}{query}")
    assert reply.status_code == expected.success


@pytest.mark.parametrize("name", ["A010", "A011", "A021"])
async def test_the_dollar_may_be_encoded(arranged: Arranged, name: str) -> None:
    expected = BY_NAME[name]
    reply = await expected.call(arranged.gp, arranged.stage, url=expected.path.replace("$", "%24"))
    assert reply.status_code == expected.success


@pytest.mark.parametrize("name", [each.name for each in OPERATIONS if not each.query_required])
async def test_unknown_query_parameters_change_nothing(arranged: Arranged, name: str) -> None:
    expected = BY_NAME[name]
    url = f"{await expected.address(arranged.stage)}?_format=json&x=%FF&&=;&y"
    reply = await expected.call(arranged.client(name), arranged.stage, url=url)
    assert reply.status_code == expected.success


async def test_of_repeated_headers_the_first_counts(arranged: Arranged) -> None:
    headers = [*arranged.gp.headers.raw, (b"X-Correlation-ID", b"first"), (b"X-Correlation-ID", b"second")]
    reply = await arranged.run.anonymous().get("/STU3/CodeSystem/PRIORITY", headers=headers)
    assert (reply.status_code, reply.headers["x-correlation-id"]) == (200, "first")


async def test_the_gateway_follows_the_settings(sqlite_template: Path, tmp_path: Path, keys: Path) -> None:
    """The operator's settings for the allow-list and the rate limit take effect."""
    url = copied(sqlite_template, tmp_path)
    strict = settings_for(url, keys, ods_allow_list="R69, RCD", rate_limit_per_second=0.001)
    async with running(strict) as run:
        gp = await run.as_person(GP)
        assert told(await gp.get("/STU3/CodeSystem/PRIORITY"))[0::2] == (403, "NO_ACCESS")
        admin = await run.as_person(CONSULTANT_ADMIN)
        replies = await asyncio.gather(*(admin.get("/STU3/CodeSystem/PRIORITY") for _ in range(3)))
        assert sorted(each.status_code for each in replies) == [200, 429, 429]


async def test_a_refused_request_stores_nothing_and_the_next_one_is_served(arranged: Arranged) -> None:
    before = (await arranged.gp.post(**create_referral())).json()["id"]
    assert (await arranged.gp.post(**create_referral(services=()))).status_code == 422
    after = (await arranged.gp.post(**create_referral())).json()["id"]
    assert int(after) == int(before) + 1
