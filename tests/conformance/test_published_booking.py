"""Published slots and appointments: a service linked to a PAS responds as published."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.conformance.booking import Behind, Json, ahead_of, behind, in_time, later
from tests.conformance.letters import add_letter, author_of, told_of
from tests.conformance.likeness import differences
from tests.conformance.register import assert_registered
from tests.conformance.worlds import Template, table
from tests.kit.documents.reference import Example, examples, published

from openers.domain.identifiers import ServiceId, UserId

pytestmark = pytest.mark.anyio
Count = Callable[[int], None]
HOUR = timedelta(hours=1)
TIMES = ("2022-02-22T10:00:00.000Z", "2022-02-22T10:30:00.000Z")
"""Times for an appointment whose published form has none."""
SERVICES = "http://fhir.nhs.net/Id/ers-service"


@pytest.fixture
async def booking(template: Template, tmp_path: Path) -> AsyncGenerator[Behind]:
    """Run a service in one of the worlds, linked to a PAS."""
    async with behind(template, tmp_path) as made:
        yield made


def only(number: str, name: str, direction: str = "response", status: str = "200") -> Example:
    """Return the published example with this name."""
    return next(each for each in published(number, direction, status) if each.name == name)


def service_of(booking: Behind, published_id: str) -> str:
    """Return the service of this world that replaces a published one."""
    return booking.world.id(ServiceId, table()["ids"][SERVICES][published_id])


# A015


async def offered(booking: Behind, bundle: Json, service: str) -> Json:
    """Add the slots of a published bundle to the PAS, and return the bundle that we expect."""
    slots = [each["resource"] for each in bundle["entry"] if each["search"]["mode"] == "match"]
    by = ahead_of(slots[0]["start"])
    clinician = booking.world.id(UserId, "021600556514")
    for whose in (clinician, None):
        theirs = [each for each in slots if ("-" in each["schedule"]["reference"]) == (whose is not None)]
        told = [
            {"usrn": each["identifier"][0]["value"], "start": later(each["start"], by), "end": later(each["end"], by)}
            for each in theirs
        ]
        if told:
            await booking.offer(service, *told, clinician=whose)
    return in_time(renamed(bundle, service, clinician), by)


def renamed(bundle: Json, service: str, clinician: str) -> Json:
    """Return a published bundle with our service and clinician, also within addresses and schedule ids."""
    text = re.sub(r"(?<!\w)\d{5}(?!\w)", service, json.dumps(bundle))
    return json.loads(re.sub(r"(?<!\w)\d{12}(?!\w)", clinician, text))


def numbered_alike(bundle: Json) -> Json:
    """Return the bundle with its slots numbered in their order."""
    for number, each in enumerate(entry for entry in bundle["entry"] if entry["search"]["mode"] == "match"):
        assert each["fullUrl"].endswith(f"/STU3/Slot/{each['resource']['id']}")
        each["fullUrl"] = each["resource"]["id"] = str(number)
    return bundle


@pytest.mark.parametrize("example", published("A015"), ids=lambda each: each.name)
async def test_slots(example: Example, booking: Behind, compared: Count) -> None:
    """A015 returns the published slots, offered by the PAS, with the published links between pages."""
    bundle: Json = example.read()
    query = parse_qs(urlsplit(str(bundle["link"][0]["url"])).query)
    service = service_of(booking, query["schedule.actor:HealthcareService"][0])
    expected = await offered(booking, bundle, service) if bundle["entry"] else renamed(bundle, service, "")
    more = bundle["total"] - sum(each["search"]["mode"] == "match" for each in bundle["entry"])
    if more:
        last = [each for each in expected["entry"] if each["search"]["mode"] == "match"][-1]["resource"]["end"]
        times = {"start": later(last, HOUR), "end": later(last, 2 * HOUR)}
        rest = [{"usrn": f"USRN-{number}", **times} for number in range(more)]
        await booking.offer(service, *rest)
    reply = await booking.slots(service, _count=query["_count"][0])
    assert reply.status_code == 200, reply.text
    ours = reply.json()
    assert_registered(example.path, differences(numbered_alike(expected), numbered_alike(ours)))
    compared(1)


async def test_page_after_the_last(booking: Behind, compared: Count) -> None:
    """A015 rejects a page after the last."""
    example = next(each for each in examples() if each.name == "ErrorPage5.json")
    await offered(booking, only("A015", "Page1PageSize5.json").read(), service_of(booking, "11000"))
    reply = await booking.slots(service_of(booking, "11000"), _count="5", page="5")
    assert reply.status_code == 400
    assert reply.json()["issue"][0]["diagnostics"] == example.read()["issue"][0]["diagnostics"]
    assert_registered(example.path, differences(example.read(), reply.json()))
    compared(1)


# A016, and A038 and A005, which read the appointment


async def prepared(booking: Behind, request: Json) -> tuple[Json, Json]:
    """Create a referral for a published request, and return it with the slot and times to change in the request."""
    told = booking.world.told(request)
    service = told["participant"][0]["actor"]["identifier"]["value"]
    if request["status"] != "booked":
        return await booking.refer(service), {}
    by = ahead_of(request["start"])
    times = {"start": later(request["start"], by), "end": later(request["end"], by)}
    await booking.offer(service, {"usrn": "USRN-1", **times})
    (slot,) = [each["resource"] for each in (await booking.slots(service)).json()["entry"][:1]]
    return await booking.refer(service), {**times, "slot": [{"reference": f"Slot/{slot['id']}"}]}


@pytest.mark.parametrize("example", published("A016", "request"), ids=lambda each: each.name)
async def test_appointments(example: Example, booking: Behind, compared: Count) -> None:
    """A016 responds to each published request as published, and A038 returns the same appointment."""
    referral, changes = await prepared(booking, example.read())
    reply = await booking.ask(example, referral, **changes)
    assert reply.status_code == 201, reply.text
    expected = only("A016", example.name, status="201")
    assert reply.json().get("slot") == changes.get("slot")
    assert reply.json()["meta"]["versionId"] == expected.read()["meta"]["versionId"]
    assert reply.headers["etag"] == f'W/"{reply.json()["meta"]["versionId"]}"'
    by = ahead_of(example.read()["start"]) if changes else ahead_of("2021-01-01T00:00:00Z")
    assert_registered(expected.path, differences(in_time(booking.world.told(expected.read()), by), reply.json()))
    for address in (reply.json()["id"], f"{reply.json()['id']}/_history/{reply.json()['meta']['versionId']}"):
        read = await booking.gp.get(f"/STU3/Appointment/{address}")
        assert (read.status_code, read.content) == (200, reply.content)
        assert read.headers["etag"] == reply.headers["etag"]
    compared(1)


REACHABLE = {"AppointmentDeferral.json", "BookedDBS.json", "Cancelled.json", "TriageDeferral.json"}
"""The other examples need a telephone booking or a converted advice request."""


@pytest.mark.parametrize(
    "example", [each for each in published("A038") if each.name in REACHABLE], ids=lambda each: each.path
)
async def test_appointments_read(example: Example, booking: Behind, compared: Count) -> None:
    """A038 reads an appointment with the history of the published one as published."""
    told = booking.world.told(example.read())
    service = told["participant"][0]["actor"]["identifier"]["value"]
    by = ahead_of(told.get("start", "2021-01-01T00:00:00Z"))
    if told["status"] == "proposed":
        request = only("A016", "MinimalDeferral.json", "request")
        referral = await booking.refer(service)
        named = {name: told[name] for name in ("reason", "comment", "participant") if name in told}
        if "comment" not in told:
            request = only("A016", "TriageDeferral.json", "request")
        made = (await booking.ask(request, referral, **named)).json()
    else:
        times = (told["start"], told["end"]) if "start" in told else TIMES
        start, end = (later(each, ahead_of(times[0])) for each in times)
        _, made = await booking.booked(service, start, end)
    if told["status"] == "cancelled":
        request = only("A034", "MinimalCancellationReasonOnlyCommentNotMandatory.json", "request")
        reply = await booking.cancel(request, made, reason=told["reason"], comment=told["comment"])
        assert reply.status_code == 200, reply.text
        made = reply.json()
    address = example.address.replace("{id}", made["id"]).replace("{version}", made["meta"]["versionId"])
    read = await booking.gp.get(address)
    assert read.status_code == 200, read.text
    assert_registered(example.path, differences(in_time(told, by), read.json()))
    compared(1)


@pytest.mark.parametrize(
    "example",
    [each for each in published("A005") if each.name in {"BookedDBS.json", "DeferredToProvider.json"}],
    ids=lambda each: each.path,
)
async def test_referrals_with_an_appointment(example: Example, booking: Behind, compared: Count) -> None:
    """A005 reads a booked and a deferred referral as published."""
    told = booking.world.told(example.read())
    appointment = next(each for each in told["contained"] if each["id"] == "appointment")
    criteria = next(each["parameter"] for each in told["contained"] if each["id"] == "serviceSearchCriteria")
    priority = criteria[0]["valueCoding"]["code"]
    service, _, *clinician = (each["actor"]["identifier"]["value"] for each in appointment["participant"])
    by = ahead_of(appointment.get("start", "2021-01-01T00:00:00Z"))
    referral = await booking.refer(service, criteria, priority)
    if clinician:
        times = {name: later(appointment[name], by) for name in ("start", "end")}
        await booking.offer(service, {"usrn": "USRN-1", **times}, clinician=clinician[0])
        slot = (await booking.slots(service)).json()["entry"][0]["resource"]
        made = await booking.book(referral, slot)
    else:
        request = only("A016", "MinimalDeferral.json", "request")
        named = {name: appointment[name] for name in ("reason", "comment", "participant")}
        made = await booking.ask(request, referral, **named)
    assert made.status_code == 201, made.text
    lettered = await add_letter(booking.world, booking.run, referral["id"], told)
    version = lettered["meta"]["versionId"]
    read = await booking.gp.get(example.address.replace("{ubrn}", referral["id"]).replace("{version}", version))
    assert read.status_code == 200, read.text
    expected = told_of(booking.world, in_time(told, by), read.json(), author_of(told))
    assert_registered(example.path, differences(expected, read.json()))
    compared(1)


# A034, and failures of the PAS


async def held(booking: Behind) -> Json:
    """Book an appointment at the service of the published cancellations."""
    start, end = (later(each, ahead_of(TIMES[0])) for each in TIMES)
    return (await booking.booked(service_of(booking, "50"), start, end))[1]


@pytest.mark.parametrize("example", published("A034", "request"), ids=lambda each: each.name)
async def test_cancellations(example: Example, booking: Behind, compared: Count) -> None:
    """A034 responds to each published request as published."""
    reply = await booking.cancel(example, await held(booking))
    expected = next(
        each for each in examples() if (each.number, each.direction, each.name) == ("A034", "response", example.name)
    )
    assert str(reply.status_code) == expected.status, reply.text
    if "issue" in reply.json():
        assert reply.json()["issue"][0]["diagnostics"] == expected.read()["issue"][0]["diagnostics"]
    assert_registered(expected.path, differences(booking.world.told(expected.read()), reply.json()))
    compared(1)


FAULTS = (("502", "500"), ("504", "drop"))
"""A status, and the PAS fault that causes it."""


@pytest.mark.parametrize(("status", "fault"), FAULTS)
async def test_bookings_that_the_pas_spoils(status: str, fault: str, booking: Behind, compared: Count) -> None:
    """A016 responds as published if the PAS refuses, or if it does not reply."""
    request = only("A016", "MinimalBooking.json", "request")
    referral, changes = await prepared(booking, request.read())
    booking.pas.fault = fault
    reply = await booking.ask(request, referral, **changes)
    assert str(reply.status_code) == status
    example = only("A016", f"{status}-example.json", status=status)
    assert_registered(example.path, differences(example.read(), reply.json()))
    slot = changes["slot"][0]["reference"].removeprefix("Slot/")
    text = example.read()["issue"][0]["diagnostics"].replace("000000070000", referral["id"]).replace("11002026", slot)
    assert reply.json()["issue"][0]["diagnostics"] == text
    compared(1)


@pytest.mark.parametrize(("status", "fault"), FAULTS)
async def test_cancellations_that_the_pas_spoils(status: str, fault: str, booking: Behind, compared: Count) -> None:
    """A034 responds as published if the PAS fails; only the text differs.

    The published text speaks of creating a booking, ours of cancelling one.
    """
    appointment = await held(booking)
    booking.pas.fault = fault
    request = only("A034", "MinimalCancellationReasonOnlyCommentNotMandatory.json", "request")
    reply = await booking.cancel(request, appointment)
    assert str(reply.status_code) == status
    example = only("A034", f"{status}-example.json", status=status)
    assert_registered(example.path, differences(example.read(), reply.json()))
    compared(1)
