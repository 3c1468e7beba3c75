"""Published worklists: referrals in the published states are listed as published.

The publisher states no order, so rows are compared one by one. For times, dates, versions and names, only the format is
checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from tests.conformance.booking import Behind, Json, behind
from tests.conformance.likeness import INSTANT, differences
from tests.conformance.register import assert_registered
from tests.conformance.retelling import retold
from tests.conformance.worlds import Template
from tests.kit.documents.reference import Example, published
from tests.kit.referrals.rig import cancellation, test_entry
from tests.kit.referrals.words import cancelling, document, outcome, rejecting, request_of, said, uploaded
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import CONSULTANT, PRACTICE, RC, Person

from openers.domain.booking import PasAppointment
from openers.domain.callers import SYSTEM, Pas
from openers.domain.identifiers import ServiceId, Ubrn, UserId
from openers.usecases.booking.take_notification import Notification, take_notification

pytestmark = pytest.mark.anyio
Count = Callable[[int], None]

BOOKED, TRIAGE, WITHOUT_SLOTS = "11001", "11004", "11021"
CLINICIAN: Final = "021600556514"
REFERRER: Final = Person(CLINICIAN, PRACTICE, RC)
FORMS: Final[Mapping[str, str]] = {
    "valueDateTime": INSTANT,
    "valueDate": r"\d{4}-\d\d-\d\d",
    "valueInteger": r"\d+",
    "valueString": r"[A-Z_]+/[A-Z_]+",
}
"""Values that a service generates: the format for each element."""


@dataclass
class Stage:
    """A service in one of the worlds, linked to a PAS, with a consultant."""

    behind: Behind
    consultant: httpx.AsyncClient
    bookings: int = 0

    def service(self, demo: str) -> str:
        """Return this world's id of a service of the demo world."""
        return self.behind.world.id(ServiceId, demo)

    async def read(self, referral: Json) -> Json:
        """Read the referral (A005)."""
        return dict[str, Any]((await self.behind.gp.get(f"/STU3/ReferralRequest/{referral['id']}")).json())

    async def act(self, number: str, referral: Json, *parameters: Json, by: httpx.AsyncClient | None = None) -> Json:
        """Call an operation on the referral, and return the updated referral."""
        asked = request_of(number, await self.read(referral), *parameters)
        reply = await (by or self.behind.gp).post(**asked)
        assert reply.status_code == 200, reply.text
        return await self.read(referral)

    async def with_letters(self, referral: Json, count: int) -> None:
        """Send the referral's letter `count` times."""
        for _ in range(count):
            file = await uploaded(self.behind.gp, referral["id"], f"letter-{uuid4()}.txt")
            await self.act("A012", referral, document("referralLetterFile", file, "REFERRER"))

    async def asked(self, service: str, name: str) -> Json:
        """Create a referral that is deferred to a service, or sent there for triage, with a published request."""
        referral = await self.behind.refer(self.service(service))
        request = next(each for each in published("A016", "request") if each.name == name)
        participants = self.behind.world.told(request.read())["participant"]
        participants[0]["actor"]["identifier"]["value"] = self.service(service)
        made = await self.behind.ask(request, referral, participant=participants)
        assert made.status_code == 201, made.text
        return referral

    async def booked(self) -> Json:
        """Create a referral that is booked with a clinician."""
        self.bookings += 1
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3, hours=self.bookings)
        times = [each.strftime("%Y-%m-%dT%H:%M:%S.000Z") for each in (start, start + timedelta(minutes=30))]
        clinician = self.behind.world.id(UserId, CLINICIAN)
        usrn = f"USRN-{self.bookings}"
        slot = {"usrn": usrn, "start": times[0], "end": times[1]}
        await self.behind.offer(self.service(BOOKED), slot, clinician=clinician)
        free = [each["resource"] for each in (await self.behind.slots(self.service(BOOKED))).json()["entry"]]
        (found,) = (each for each in free if each.get("start") == times[0])
        referral = await self.behind.refer(self.service(BOOKED))
        made = await self.behind.book(referral, found)
        assert made.status_code == 201, made.text
        return {**referral, "appointment": made.json()}

    async def cancelled_by_patient(self, reason: str) -> Json:
        """Create a referral whose appointment the referrer has cancelled."""
        referral = await self.booked()
        appointment = referral["appointment"]
        tag = f'W/"{appointment["meta"]["versionId"]}"'
        reply = await self.behind.gp.put(
            f"/STU3/Appointment/{appointment['id']}",
            json=cancellation(appointment, reason),
            headers={**HEADERS, "If-Match": tag},
        )
        assert reply.status_code == 200, reply.text
        return referral

    async def missed(self) -> Json:
        """Create a referral whose patient missed the appointment, as the PAS reports."""
        referral = await self.booked()
        world = self.behind.run.service.world.for_call(test_entry())
        async with world.read() as tx:
            stored = await tx.referrals.find(Ubrn(referral["id"]), SYSTEM)
        appointment = None if stored is None else stored.value.appointment
        assert appointment is not None
        told = PasAppointment(appointment.pas_id or "", appointment.booking_key or "", "noshow")
        notification = Notification(by=Pas("demo-pas"), ubrn=Ubrn(referral["id"]), appointment=told)
        assert await take_notification(notification, world)
        return referral

    async def like(self, row: Json) -> Json:
        """Create a referral in the state of a published row."""
        columns = {each["url"]: each for each in row["extension"][0]["extension"]}
        code, reason = _code(columns.get("status")), _code(columns.get("reason"))
        match code:
            case "NOT_BOOKED":
                referral = await self.behind.refer(self.service(BOOKED))
            case "APP_CANCELLED_BY_PATIENT":
                referral = await self.cancelled_by_patient(reason)
            case "DID_NOT_ATTEND":
                referral = await self.missed()
            case "CANCELLED_REFERRAL":
                referral = await self.booked()
                await self.act("A036", referral, cancelling(reason), by=self.consultant)
            case "REJECTED":
                referral = await self.booked()
                await self.with_letters(referral, 1)
                await self.act("A014", referral, rejecting(reason), by=self.consultant)
            case "TRIAGE_RESPONSE":
                referral = await self.asked(TRIAGE, "TriageDeferral.json")
                advice = (outcome(), said("reviewComments", "Please watch."))
                await self.act("A028", referral, *advice, by=self.consultant)
            case _:
                referral = await self.before_a_provider(columns)
        return referral

    async def before_a_provider(self, columns: Json) -> Json:
        """Create a referral that is booked, deferred or sent for triage, with the published number of letters."""
        letters = sum(f"clinicalInfo{each}" in columns for each in ("FirstSubmitted", "LastUpdated"))
        if "ubrnReceived" in columns:
            referral = await self.asked(WITHOUT_SLOTS, "MinimalDeferral.json")
            letters = int(_code(columns["clinicalInformationStatus"]) == "PRESENT")
        elif _code(columns["referralType"]) == "APPOINTMENT":
            referral = await self.booked()
        else:
            referral = await self.asked(TRIAGE, "TriageDeferral.json")
        await self.with_letters(referral, letters)
        return referral


@pytest.fixture
async def stage(template: Template, tmp_path: Path) -> AsyncGenerator[Stage]:
    """Run a service in each of the worlds."""
    async with behind(template, tmp_path) as made:
        yield Stage(made, await made.run.as_person(template.world.person(CONSULTANT)))


def _code(column: Json | None) -> str:
    return "" if column is None else str(column["valueCodeableConcept"]["coding"][0]["code"])


def pairs() -> list[tuple[Example, Example]]:
    """Return each published response with its request, matched by name."""
    requests = {each.name: each for each in published("A008", "request")}
    found: list[tuple[Example, Example]] = []
    for reply in published("A008"):
        name = reply.name.replace("FilteredBy", "FilteringBy")
        found.append((requests.get(name) or requests[f"Minimal{name}"], reply))
    return found


def services_of(reply: Json) -> dict[str, str]:
    """Map the published services of a response to services of this world that suit the kind of referral."""
    found = dict[str, str]()
    for row in reply["entry"]:
        columns = {each["url"]: each for each in row["extension"][0]["extension"]}
        if "service" in columns:
            kind = WITHOUT_SLOTS if "ubrnReceived" in columns else BOOKED
            kind = TRIAGE if _code(columns.get("referralType")) == "TRIAGE_DEFERRAL" else kind
            found[columns["service"]["valueReference"]["identifier"]["value"]] = kind
    return found


def plain(row: Json) -> Json:
    """Return a row with marks in place of generated values, after checking their format."""
    shown: Json = json.loads(json.dumps(row))
    assert re.fullmatch(r"ReferralRequest/\d{12}", shown["item"]["reference"])
    shown["item"]["reference"] = "(referral)"
    for column in shown["extension"][0]["extension"]:
        for element, form in FORMS.items():
            if element in column:
                assert re.fullmatch(form, str(column[element])), column
                column[element] = f"({element})"
        if "display" in column.get("valueReference", {}):
            column["valueReference"]["display"] = "(name)"
    return shown


@pytest.mark.parametrize(("request_", "reply"), pairs(), ids=lambda each: each.name)
async def test_a_published_worklist(request_: Example, reply: Example, stage: Stage, compared: Count) -> None:
    """A008 lists every row as published, and the people that the rows refer to."""
    services = services_of(reply.read())
    if '"referrer"' in json.dumps(reply.read()):  # in the example, the referrer is the booked clinician
        stage.behind.gp = await stage.behind.run.as_person(stage.behind.world.person(REFERRER))
    expected = retold(reply.read(), stage.behind.world, services)
    made = [await stage.like(row) for row in reply.read()["entry"]]
    client = stage.behind.gp if '"referrer"' in json.dumps(expected) else stage.consultant
    answer = await client.post(
        request_.address, json=retold(request_.read(), stage.behind.world, services), headers=HEADERS
    )
    assert answer.status_code == 200, answer.text
    ours: Json = answer.json()
    rows = {row["item"]["reference"][-12:]: row for row in ours["entry"]}
    assert rows.keys() == {each["id"] for each in made}
    ours["entry"] = [plain(rows[each["id"]]) for each in made]
    expected["entry"] = [plain(row) for row in expected["entry"]]
    if "contained" in expected:  # two published patients are one here
        expected["contained"] = list({each["id"]: each for each in expected["contained"]}.values())
    assert_registered(reply.path, differences(expected, ours))
    compared(1)
