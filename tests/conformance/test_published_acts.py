"""Published operations on referrals: the service responds to the published requests as published.

Tests of A005 and A012 cover the details of letters, so here one mark replaces each letter. Marks also replace ids and
versions within addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.conformance.booking import Behind, Json, ahead_of, behind, in_time, later
from tests.conformance.likeness import UUID, differences
from tests.conformance.register import assert_registered
from tests.conformance.worlds import Template
from tests.kit.documents.reference import Example, published
from tests.kit.referrals.words import document, request_of, uploaded
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import CONSULTANT, CONSULTANT_ELSEWHERE, ELSEWHERE

from openers.domain.identifiers import OdsCode, ServiceId, Ubrn
from openers.usecases.booking.book_by_telephone import BookByTelephone, book_by_telephone
from openers.wire.instants import read_instant

pytestmark = pytest.mark.anyio
Count = Callable[[int], None]
TIMES: Final = ("2022-02-22T10:00:00.000Z", "2022-02-22T10:30:00.000Z")
"""Times for a booking whose published response no longer shows any."""
CLINICIAN: Final = "021600556514"


@dataclass
class Stage:
    """A service in one of the worlds, linked to a PAS, with clinicians of two providers."""

    booking: Behind
    consultant: httpx.AsyncClient
    elsewhere: httpx.AsyncClient

    def provider(self, service: str) -> httpx.AsyncClient:
        """Return a client for a clinician of the service's provider."""
        of = next(each.organisation for each in self.booking.world.pack.services if each.id == service)
        return self.elsewhere if of == self.booking.world.id(OdsCode, ELSEWHERE) else self.consultant

    async def act(self, request: Example | None, number: str, referral: Json, by: httpx.AsyncClient) -> httpx.Response:
        """Send the operation with the published request body."""
        asked = request_of(number, referral)
        if request is None:
            return await by.post(asked["url"], headers=asked["headers"])
        body = self.booking.world.told(request.read())
        return await by.post(asked["url"], json=body, headers={**asked["headers"], **HEADERS})

    async def referred(self, expected: Json) -> Json:
        """Create a referral with the shortlist, criteria and letter (if any) of a published one."""
        request = next(each for each in published("A011", "request") if each.name == "MinimalRequest.json")
        body: Json = self.booking.world.told(request.read())
        criteria, shortlist = _contained(expected, "Parameters"), _contained(expected, "List")
        asked = next(each["resource"] for each in body["parameter"] if each["name"] == "shortlist")
        asked["entry"] = [{"item": {"identifier": each["item"]["identifier"]}} for each in shortlist["entry"]]
        asked["contained"][0]["parameter"] = [
            each for each in criteria["parameter"] if each["name"] != "commissioningProvisioning"
        ]
        if not any(each["url"].endswith("eReferralPathwayStart-1") for each in expected["extension"]):
            body["parameter"] = [each for each in body["parameter"] if each["name"] != "eReferralPathwayStart"]
        created = await self.booking.gp.post(request.address, json=body, headers=HEADERS)
        assert created.status_code == 201, created.text
        referral: Json = created.json()
        if any(each["resourceType"] == "DocumentReference" for each in expected["contained"]):
            file = await uploaded(self.booking.gp, referral["id"], "letter.txt")
            letters = request_of("A012", referral, document("referralLetterFile", file, "REFERRER"))
            reply = await self.booking.gp.post(**letters)
            assert reply.status_code == 200, reply.text
            referral = reply.json()
        return referral

    async def asked(self, referral: Json, service: str, reason: str) -> Json:
        """Defer the referral to a service, or send it there for triage."""
        name = "TriageDeferral.json" if reason == "TRIAGE" else "MinimalDeferral.json"
        request = next(each for each in published("A016", "request") if each.name == name)
        participants = self.booking.world.told(request.read())["participant"]
        participants[0]["actor"]["identifier"]["value"] = service
        made = await self.booking.ask(request, referral, participant=participants)
        assert made.status_code == 201, made.text
        return await self.read(referral)

    async def booked(self, referral: Json, service: str, times: tuple[str, str], clinician: str | None) -> Json:
        """Book the referral at a service, at the published time moved into the future."""
        start, end = (later(each, ahead_of(times[0])) for each in times)
        slot = {"usrn": f"USRN-{referral['id']}", "start": start, "end": end}
        await self.booking.offer(service, slot, clinician=clinician)
        found = (await self.booking.slots(service)).json()["entry"][0]["resource"]
        made = await self.booking.book(referral, found)
        assert made.status_code == 201, made.text
        return await self.read(referral)

    async def telephoned(self, referral: Json, service: str) -> Json:
        """Book the referral by telephone."""
        start = read_instant(later(TIMES[0], ahead_of(TIMES[0])))
        command = BookByTelephone(ubrn=Ubrn(referral["id"]), service=ServiceId(service), start=start)
        await book_by_telephone(command, self.booking.run.service.world)
        return await self.read(referral)

    async def read(self, referral: Json) -> Json:
        """Read the referral (A005)."""
        return dict[str, object]((await self.booking.gp.get(f"/STU3/ReferralRequest/{referral['id']}")).json())


@pytest.fixture
async def stage(template: Template, tmp_path: Path) -> AsyncGenerator[Stage]:
    """Run a service in each of the worlds."""
    async with behind(template, tmp_path) as booking:
        people = [
            await booking.run.as_person(template.world.person(each)) for each in (CONSULTANT, CONSULTANT_ELSEWHERE)
        ]
        yield Stage(booking, *people)


def only(number: str, name: str, direction: str = "response", status: str = "200") -> Example:
    """Return the published example with this name."""
    return next(each for each in published(number, direction, status) if each.name == name)


def _contained(referral: Json, kind: str) -> Json:
    return next(each for each in referral["contained"] if each["resourceType"] == kind)


def plain(reply: Json) -> Json:
    """Return a response with one mark for each letter, and without ids within addresses."""
    text = json.dumps(reply)
    for pattern, mark in ((r"ReferralRequest/\d{12}/_history/\d+", "(referral)"), (UUID, "(uuid)")):
        text = re.sub(pattern, mark, text)
    return dict[str, object](_marked(json.loads(text)))


def _marked(node: object) -> Json:
    marked: Json = node  # type: ignore[assignment]  # parsed JSON
    for each in marked.get("parameter", []):
        if "resource" in each:
            each["resource"] = _marked(each["resource"])
    letters = [each for each in marked.get("contained", []) if each["resourceType"] == "DocumentReference"]
    for number, each in enumerate(letters):
        kind = each["type"]
        each.clear()
        each.update({"id": f"letter-{number}", "type": kind})
    for number, each in enumerate(marked.get("supportingInfo", [])):
        each["reference"] = f"#letter-{number}"
    return marked


def compare(stage: Stage, expected: Example, reply: httpx.Response) -> None:
    """Assert that the response equals the published one, except for registered differences."""
    assert reply.status_code == 200, reply.text
    told = in_time(stage.booking.world.told(expected.read()), ahead_of("2021-10-15T00:00:00Z"))
    assert_registered(expected.path, differences(plain(told), plain(reply.json())))


# A013, A014, A022, A028: the provider's decisions

BOOKED = [
    (None, only_name, "A013") if request is None else (request, only_name, number)
    for number, request, only_name in (
        ("A013", None, "ExampleResponse.json"),
        ("A014", "BasicExampleDbs.json", "ExampleResponseDbs.json"),
        ("A022", "MinimalExampleDBS.json", "MinimalExampleDBS.json"),
        ("A022", "MinimalExampleIBS.json", "MinimalExampleIBS.json"),
    )
]


@pytest.mark.parametrize(("request_name", "name", "number"), BOOKED)
async def test_reviews_of_bookings(
    request_name: str | None, name: str, number: str, stage: Stage, compared: Count
) -> None:
    """A013, A014 and A022 on a booking respond as published."""
    expected = only(number, name)
    told = stage.booking.world.told(expected.read())
    appointment = _contained(told, "Appointment")
    service = appointment["participant"][0]["actor"]["identifier"]["value"]
    clinician = (
        appointment["participant"][2]["actor"]["identifier"]["value"] if len(appointment["participant"]) > 2 else None
    )
    times = (appointment["start"], appointment["end"]) if "start" in appointment else TIMES
    referral = await stage.referred(told)
    if name == "MinimalExampleIBS.json":
        referral = await stage.telephoned(referral, service)
    else:
        referral = await stage.booked(referral, service, times, clinician)
    request = None if request_name is None else only(number, request_name, "request")
    compare(stage, expected, await stage.act(request, number, referral, stage.provider(service)))
    compared(1)


@pytest.mark.parametrize("example", published("A028", "request"), ids=lambda each: each.name)
async def test_outcomes_of_reviews(example: Example, stage: Stage, compared: Count) -> None:
    """A028 responds as published, on a triage request or on an appointment slot issue.

    It is a slot issue if the published service is bookable.
    """
    expected = only("A028", example.name)
    told = stage.booking.world.told(expected.read())
    service = _contained(told, "Appointment")["participant"][0]["actor"]["identifier"]["value"]
    pack = stage.booking.world.pack
    is_triage = next(each.is_triage for each in pack.services if each.id == service)
    reason = "TRIAGE" if is_triage else "BOOKING_ATTEMPT_PROBLEM"
    referral = await stage.asked(await stage.referred(told), service, reason)
    compare(stage, expected, await stage.act(example, "A028", referral, stage.provider(service)))
    compared(1)


# A031, A032, A036: the referrer changes or cancels the referral


@pytest.mark.parametrize(
    "example", [*published("A031", "request"), *published("A032", "request")], ids=lambda each: each.path
)
async def test_other_shortlists(example: Example, stage: Stage, compared: Count) -> None:
    """A031 and A032 respond as published, on a referral that was sent to a triage service before."""
    expected = only(example.number, example.name)
    told = stage.booking.world.told(expected.read())
    wanted = told if example.number == "A031" else told["parameter"][0]["resource"]
    triage = stage.booking.world.id(ServiceId, "11004")
    before = await stage.booking.refer(triage)
    referral = await stage.asked(before, triage, "TRIAGE")
    if any(each["resourceType"] == "DocumentReference" for each in wanted["contained"]):
        file = await uploaded(stage.booking.gp, referral["id"], "letter.txt")
        for description in (None, "as it is now"):  # in the published example, the letter has been changed once
            letter = document("referralLetterFile", file, "REFERRER", description)
            assert (await stage.booking.gp.post(**request_of("A012", referral, letter))).status_code == 200
            referral = await stage.read(referral)
    compare(stage, expected, await stage.act(example, example.number, referral, stage.booking.gp))
    compared(1)


CANCELLED: Final = {
    "IntendPrivateWithoutComment.json": "CancelledReferralIntendPrivateWithoutComment.json",
    "RaisedInError.json": "CancelledReferralRaisedInError.json",
    "ReferrerCancellation.json": "CancelledBookedReferralReferrerCancellation.json",
    "bookedOutsideCabWithoutComment.json": "CancelledReferralBookedOutsideCabWithoutComment.json",
}


@pytest.mark.parametrize("example", published("A036", "request"), ids=lambda each: each.name)
async def test_ends(example: Example, stage: Stage, compared: Count) -> None:
    """A036 responds as published, for three kinds of referral.

    They are: unbooked and cancelled by the referrer, at a provider and cancelled by the provider, and booked.

    A published booking names a triage service, so a bookable service replaces it.
    """
    expected = only("A036", CANCELLED[example.name])
    told = stage.booking.world.told(expected.read())
    shown: Json = told["parameter"][0]["resource"]
    service = _contained(shown, "List")["entry"][0]["item"]["identifier"]["value"]
    if len(told["parameter"]) > 1:
        bookable = stage.booking.world.id(ServiceId, "11002")
        clinician = stage.booking.world.told({"system": "http://fhir.nhs.net/Id/sds-user-id", "value": CLINICIAN})
        renamed = json.loads(json.dumps(told).replace(f'"{service}"', f'"{bookable}"'))
        referral = await stage.referred(renamed["parameter"][0]["resource"])
        referral = await stage.booked(referral, bookable, TIMES, clinician["value"])
        reply = await stage.act(example, "A036", referral, stage.booking.gp)
        assert reply.status_code == 200, reply.text
        assert_registered(expected.path, differences(plain(renamed), plain(reply.json())))
    else:
        referral, by = await stage.referred(shown), stage.booking.gp
        if example.name.startswith("bookedOutside"):
            referral, by = await stage.asked(referral, service, "TRIAGE"), stage.provider(service)
        compare(stage, expected, await stage.act(example, "A036", referral, by))
    compared(1)


# Failures of the PAS, and the actions on offer


SPOILT: Final = (
    ("A014", "BasicExampleDbs.json", "504", "drop"),
    ("A036", "ReferrerCancellation.json", "502", "500"),
    ("A036", "ReferrerCancellation.json", "504", "drop"),
)


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda spoilt: f"{spoilt[0]}-{spoilt[2]}")
async def test_acts_that_the_pas_spoils(spoilt: tuple[str, str, str, str], stage: Stage, compared: Count) -> None:
    """If the PAS fails, A014 and A036 respond as published; only the text differs.

    The published text speaks of creating a booking, ours of cancelling one.
    """
    number, request_name, status, fault = spoilt
    service = stage.booking.world.id(ServiceId, "11002")
    told = stage.booking.world.told(only("A014", "ExampleResponseDbs.json").read())
    referral = await stage.booked(await stage.referred(told), service, TIMES, None)
    stage.booking.pas.fault = fault
    by = stage.provider(service) if number == "A014" else stage.booking.gp
    reply = await stage.act(only(number, request_name, "request"), number, referral, by)
    assert str(reply.status_code) == status
    expected = only(number, f"{status}-example.json", status=status)
    assert_registered(expected.path, differences(expected.read(), reply.json()))
    compared(1)


@pytest.mark.parametrize("example", published("A029"), ids=lambda each: each.name)
async def test_actions(example: Example, stage: Stage, compared: Count) -> None:
    """A029 lists the published action with the published content, and no action for a cancelled referral."""
    expected = plain(stage.booking.world.told(example.read()))
    triage = stage.booking.world.id(ServiceId, "11004")
    referral = await stage.booking.refer(triage)
    codes = [each["resource"]["code"]["coding"][0]["code"] for each in expected["entry"]]
    client = stage.booking.gp
    if codes == ["RECORD_REVIEW_OUTCOME"]:
        client = stage.provider(triage)
        referral = await stage.asked(referral, triage, "TRIAGE")
    if not codes:
        reply = await stage.act(only("A036", "RaisedInError.json", "request"), "A036", referral, client)
        referral = reply.json()["parameter"][0]["resource"]
    query = (
        f"focus=ReferralRequest/{referral['id']}/_history/{referral['meta']['versionId']}&intent=proposal&status=ready"
    )
    reply = await client.get(f"/STU3/Task?{query}")
    assert reply.status_code == 200, reply.text
    ours = plain(reply.json())
    ours["entry"] = [each for each in ours["entry"] if each["resource"]["code"]["coding"][0]["code"] in codes]
    assert_registered(example.path, differences(expected, ours))
    compared(1)
