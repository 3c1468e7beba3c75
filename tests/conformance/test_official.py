"""Compares responses of every kind with the official OpenAPI document, and checks the register of contradictions.

The clients of `tests.kit.service.running` compare each response with the document. These tests send calls that get
every kind of response. They prove that each registered contradiction occurs and that nothing else differs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx
import pytest
from tests.kit.documents.official import contradictions, official
from tests.kit.referrals.cast import gathered
from tests.kit.referrals.rig import linked
from tests.kit.referrals.talk import MESSAGE_PARTS, REQUIRE, response, worklist
from tests.kit.referrals.talk import gathered as talking
from tests.kit.referrals.words import VALID
from tests.kit.service.requests import (
    HEADERS,
    create_for_triage,
    create_referral,
    parameters_of,
    posted,
    search,
    specialty,
)
from tests.kit.service.running import CONSULTANT_ADMIN, GP, PRACTICE, PROVIDER_ADMIN, RC, Person, Running

pytestmark = pytest.mark.anyio

SLOTS = "/STU3/Slot?schedule.actor:HealthcareService=11001&appointmentType=ROUTINE&status=free&_count=5"
READS = (
    "/STU3/CodeSystem/PRIORITY",
    "/STU3/CodeSystem/UNKNOWN",
    "/STU3/ReferralRequest/999999999999",
    "/STU3/ReferralRequest/999999999999/_history/1",
    "/STU3/ReferralRequest/1",
    "/STU3/CommunicationRequest/1",
    "/STU3/Binary/00000000-0000-4000-8000-000000000000",
    "/STU3/Slot",
    f"{SLOTS}&page=1",
    f"{SLOTS}&page=0",
    "/STU3/Appointment/999999",
    "/STU3/Appointment/999999/_history/1",
    "/STU3/Appointment/x",
    "/R4/PractitionerRole",
    "/R4/HealthcareService/11001",
    "/R4/HealthcareService/1",
    "/R4/HealthcareService?_id=11001,1",
    "/R4/HealthcareService?_id=x",
    "/R4/HealthcareService",
    "/R4/Practitioner?_query=onBehalfOf",
    "/R4/Practitioner",
    "/R4/ServiceRequest?identifier=999999999999",
    "/R4/ServiceRequest",
)
WRITES = (
    search(),
    create_referral(),
    create_for_triage(),
    posted("/STU3/Appointment", {"resourceType": "Appointment"}),
)
PRINTED = (
    "/STU3/ReferralRequest/{ubrn}/$ers.generateCRI",
    "/STU3/ReferralRequest/{ubrn}/$ers.generatePatientLetter",
    "/STU3/CommunicationRequest/{ubrn}/$ers.generateCRI",
)
RESPONSE = parameters_of("SendCommunicationToRequester-Request", response())
CALLERS = (
    GP,
    CONSULTANT_ADMIN,
    PROVIDER_ADMIN,
    Person(GP.user, "R69", RC),
    Person(GP.user, "", RC),
    Person("656005750112", PRACTICE, RC),
    Person("656005750110", PRACTICE, RC),
)
"""Permitted callers, callers without permission, an unheld role, no organisation and two weak log-ins."""


async def calls(served: Running) -> AsyncGenerator[httpx.Response]:
    """Yield every kind of response that a client can cause."""
    for address in READS:
        for client in [await served.as_person(each) for each in CALLERS] + [served.anonymous()]:
            for accept in ("*/*", "text/html"):
                yield await client.get(address, headers={"Accept": accept})
            if address.startswith("/R4/HealthcareService/"):
                yield await client.head(address)
                yield await client.head(address, headers={"Accept": "text/html"})
    application = await served.as_application("demo-provider-app")
    for address in READS:
        yield await application.get(address, headers={"x-ers-ods-code": "RCD"})
    for write in WRITES:
        for client in [await served.as_person(each) for each in CALLERS] + [served.anonymous()]:
            yield await client.post(**write)
        client = await served.as_person(GP)
        for body in (b"{", b"{}", b"[1]", b"\xff"):
            yield await client.post(write["url"], content=body, headers=HEADERS)
        yield await client.post(write["url"], content=b" " * 20_000_000, headers=HEADERS)
        yield await client.post(write["url"], content=b"x", headers={"Content-Type": "text/plain"})
        yield await client.post(write["url"], json={}, headers={**HEADERS, "Accept": "text/html"})
    for of_one_kind in (acts(served), conversations(served), conversation(served)):
        async for reply in of_one_kind:
            yield reply
    for address in PRINTED:
        for ubrn in ("999999999999", "1"):
            for client in [await served.as_person(each) for each in CALLERS]:
                yield await client.post(address.replace("{ubrn}", ubrn))
    gp = await served.as_person(GP)
    yield await gp.put("/STU3/Appointment/1", content=b" " * 20_000_000, headers={**HEADERS, "If-Match": 'W/"0"'})
    yield await gp.post(**search(specialty("UNKNOWN")))


async def acts(served: Running) -> AsyncGenerator[httpx.Response]:
    """Yield responses to every operation on a referral, also without a version, and to failures of the PAS."""
    async with linked(served) as rig:
        await rig.add_slots(4)
        cast = await gathered(rig)
        for number in VALID:
            made = await (cast.booked() if number in ("A013", "A014", "A022") else cast.awaiting_triage())
            yield await cast.do(number, made, tag="")
            yield await cast.do(number, made)
        booked = await cast.booked()
        for fault in ("500", "drop"):
            rig.pas.fault = fault
            yield await cast.do("A022", booked)
        yield await cast.actions(booked, cast.gp)
        yield await cast.gp.get("/STU3/Task")


async def conversations(served: Running) -> AsyncGenerator[httpx.Response]:
    """Yield responses to every operation of advice and guidance, also without a version."""
    talk = await talking(served)
    advice = await talk.ask()
    yield await talk.gp.get(f"/STU3/CommunicationRequest/{advice['id']}")
    yield await talk.messages(advice, *MESSAGE_PARTS)
    yield await talk.consultant.post(**worklist())
    yield await talk.gp.post(f"/STU3/CommunicationRequest/{advice['id']}/$ers.generateCRI")
    body = parameters_of("SendCommunicationToRequester-Request", response(outcome=REQUIRE))
    address = f"/STU3/CommunicationRequest/{advice['id']}/$ers.sendCommunicationToRequester"
    yield await talk.consultant.post(address, json=body, headers=HEADERS)
    yield await talk.respond(advice, outcome=REQUIRE)
    yield await talk.convert(await talk.ask())


async def conversation(served: Running) -> AsyncGenerator[httpx.Response]:
    """Yield responses to operations on a request for advice that does not exist, and to one without a version."""
    talk = await talking(served)
    advice, elsewhere = await talk.ask(), {"id": "999999999999", "meta": {"versionId": "1"}}
    yield await talk.respond(elsewhere)
    yield await talk.convert(elsewhere)
    sent = posted(f"/STU3/CommunicationRequest/{advice['id']}/$ers.sendCommunicationToRequester", RESPONSE)
    yield await talk.consultant.post(**sent)


async def test_every_reply_is_as_described(service: Running) -> None:
    """Each response matches the document, apart from the registered contradictions, and each of these occurs."""
    met, statuses = set[str](), set[int]()
    async for reply in calls(service):
        statuses.add(reply.status_code)
        for fault in official().faults(reply.request, reply):
            met |= {repr(each) for each in contradictions() if each.covers(fault)}
    assert statuses >= {200, 201, 400, 401, 403, 404, 406, 413, 415, 422}
    assert met == {repr(each) for each in contradictions()}


async def test_a_reply_that_is_not_as_described_is_found(service: Running) -> None:
    """The check reports a body, a header and a status that do not match the document."""
    client = await service.as_person(GP)
    reply = await client.post(**create_referral())
    broken = httpx.Response(201, headers=reply.headers, json={**reply.json(), "intent": 1}, request=reply.request)
    assert {(each.check, each.place) for each in official().faults(reply.request, broken)} == {("body", "intent")}
    del broken.headers["etag"]
    assert "ETag" in [each.place for each in official().faults(reply.request, broken)]
    broken.status_code = 418
    assert [each.check for each in official().faults(reply.request, broken)] == ["status"]


def test_reasons() -> None:
    """Each registered contradiction gives a reason."""
    assert all(len(each.reason) > 20 for each in contradictions())
