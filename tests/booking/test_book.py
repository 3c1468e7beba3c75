"""A016 with status booked: all records show the booking, and each invalid request is rejected without changes.

Source: rules chapters 4 (A016), 3.4, 11.1 row 6, 11.2 row 22.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from openers.domain.directory import ServiceStatus
from tests.kit.referrals.held import held
from tests.kit.referrals.rig import NO_SLOTS, OTHER, SERVICE, Json, Rig, booking, code
from tests.kit.referrals.rows import acts, claimed, rows, states
from tests.kit.service.arrangements import patient_called, put, service_called
from tests.kit.service.requests import HEADERS, NHS_NUMBER, PATIENT, SDS_USER
from tests.kit.service.running import GP_ADMIN, RC, Person

pytestmark = pytest.mark.anyio

TRIAGE, INDIRECT, CLINICIAN = "11004", "11003", "555032006106"
GP_ELSEWHERE = Person("555073103211", "B86011", RC)
CON = {"coding": [{"system": "http://hl7.org/fhir/ValueSet/encounter-participant-type", "code": "CON"}]}


@pytest.fixture(scope="module")
async def clinic(desk: Rig) -> Rig:
    """Return a service with free slots at two services, some of one clinician, and one only for routine patients."""
    await desk.add_slots(20)
    await desk.add_slots(4, clinician=CLINICIAN)
    await desk.add_slots(2, OTHER)
    routine = desk.pas.slots[f"{SERVICE}-any-19"]
    routine["serviceType"] = routine["serviceType"][:1]
    desk.pas.mark(f"{SERVICE}-any-19", "free")
    await desk.poll()
    return desk


async def slot_of(desk: Rig, clinician: str | None = None, service: str = SERVICE) -> Json:
    """Return a free slot."""
    schedule = f"Schedule/{service}" + (f"-{clinician}" if clinician else "")
    return next(each for each in await desk.free(service) if each["schedule"]["reference"] == schedule)


async def post(desk: Rig, body: Json) -> httpx.Response:
    """Call A016 with this body."""
    return await desk.gp.post("/STU3/Appointment", json=body, headers=HEADERS)


def without(*names: str) -> Callable[[Json], Json]:
    """Return a function that removes these fields from a body."""
    return lambda body: {name: value for name, value in body.items() if name not in names}


def with_(**changes: Any) -> Callable[[Json], Json]:
    """Return a function that replaces these fields of a body."""
    return lambda body: {**body, **changes}


def actor(index: int, value: str, system: str | None = None) -> Callable[[Json], Json]:
    """Return a function that replaces the identifier of one participant."""

    def _change(body: Json) -> Json:
        changed = [dict(each) for each in body["participant"]]
        identifier = changed[index]["actor"]["identifier"]
        changed[index]["actor"] = {"identifier": {"system": system or identifier["system"], "value": value}}
        return {**body, "participant": changed}

    return _change


def also(**participant: Any) -> Callable[[Json], Json]:
    """Return a function that adds a participant."""
    return lambda body: {**body, "participant": [*body["participant"], {"status": "accepted", **participant}]}


NAMED = {"type": CON, "actor": {"identifier": {"system": SDS_USER, "value": CLINICIAN}}}
REASON = {"system": "https://fhir.nhs.uk/STU3/CodeSystem/eRS-ReviewReason-1", "code": "TRIAGE"}
WRONG: dict[str, tuple[Callable[[Json], Json], str, str]] = {
    "another description": (with_(description="Appointment"), "INVALID_VALUE", "description"),
    "another status": (with_(status="arrived"), "INVALID_VALUE", "status"),
    "cancelled": (with_(status="cancelled"), "INVALID_VALUE", "status"),
    "no status": (with_(status="x"), "INVALID_CODE", "status"),
    "service no number": (actor(0, "x"), "INVALID_VALUE", "participant[0]/actor/identifier/value"),
    "patient no number": (actor(1, "x"), "INVALID_VALUE", "participant[1]/actor/identifier/value"),
    "slot no number": (with_(slot=[{"reference": "Slot/x"}]), "INVALID_VALUE", "slot[0]/reference"),
    "start no instant": (with_(start="tomorrow"), "INVALID_VALUE", "start"),
    "referral without version": (
        with_(incomingReferral=[{"reference": "ReferralRequest/000000000001"}]),
        "INVALID_VALUE",
        "incomingReferral[0]/reference",
    ),
    "referral unknown": (
        with_(incomingReferral=[{"reference": "ReferralRequest/999999999999/_history/3"}]),
        "REFERENCE_NOT_FOUND",
        "UBRN",
    ),
    "slot unknown": (with_(slot=[{"reference": "Slot/999999"}]), "REFERENCE_NOT_FOUND", "Slot Id"),
    "service unknown": (actor(0, "999999"), "REFERENCE_NOT_FOUND", "Service Id"),
    "not on the shortlist": (actor(0, OTHER), "INAPPROPRIATE_VALUE", "Service Id"),
    "another patient": (actor(1, "9912003999"), "INAPPROPRIATE_VALUE", "patient"),
    "another start": (with_(start="2031-01-01T09:00:00Z"), "INAPPROPRIATE_VALUE", "start"),
    "another end": (with_(end="2031-01-01T09:00:00Z"), "INAPPROPRIATE_VALUE", "end"),
    "a clinician who is not asked for": (also(**NAMED), "INAPPROPRIATE_VALUE", "namedClinician"),
    "a reason": (with_(reason=[{"coding": [REASON]}]), "INAPPROPRIATE_VALUE", "reason"),
    "no slot": (without("slot"), "MISSING_VALUE", "Slot Id"),
    "empty slot": (with_(slot=[]), "MISSING_VALUE", "Slot Id"),
    "no start": (without("start"), "MISSING_VALUE", "start"),
    "no end": (without("end"), "MISSING_VALUE", "end"),
    "no referral": (without("incomingReferral"), "INVALID_FHIR_STRUCTURE", "incomingReferral"),
    "no participants": (without("participant"), "INVALID_FHIR_STRUCTURE", "participant"),
    "no description": (without("description"), "INVALID_FHIR_STRUCTURE", "description"),
    "triage service": (actor(0, TRIAGE), "INVALID_STATE", "Service Id"),
    "indirectly bookable": (actor(0, INDIRECT), "INVALID_STATE", "Service Id"),
    "slot of another service": (actor(0, NO_SLOTS), "INAPPROPRIATE_SLOT", "Slot Id"),
    "unknown field": (with_(colour="red"), "UNEXPECTED_FIELD", "colour"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_what_is_wrong_is_refused_and_changes_nothing(clinic: Rig, wrong: str) -> None:
    """The rejection changes neither the database nor the PAS."""
    spoil, expected, place = WRONG[wrong]
    referral = await clinic.refer(SERVICE, NO_SLOTS, TRIAGE, INDIRECT)
    body = spoil(booking(referral, await slot_of(clinic)))
    before, there = await rows(clinic), dict(clinic.pas.appointments)
    reply = await post(clinic, body)
    assert code(reply) == (422, expected), reply.text
    assert reply.json()["issue"][0]["diagnostics"].startswith(f"'{place}")
    assert (await rows(clinic), clinic.pas.appointments) == (before, there)


async def test_a_slot_for_other_priorities(clinic: Rig) -> None:
    """A015 does not show the slot for an urgent referral. A016 rejects a booking that names it."""
    shown = (await clinic.slots(appointmentType="ROUTINE")).json()["entry"]
    hidden = {each["id"] for each in await clinic.free()}
    (routine,) = (
        each["resource"] for each in shown if each["search"]["mode"] == "match" and each["resource"]["id"] not in hidden
    )
    assert code(await clinic.book(await clinic.refer(), routine)) == (422, "INAPPROPRIATE_SLOT")


async def test_a_slot_that_is_gone(clinic: Rig) -> None:
    """The service rejects a slot that was booked here or has disappeared from the PAS, without a call to the PAS."""
    first, (slot, gone, *_) = await clinic.refer(), await clinic.free()
    assert (await clinic.book(first, slot)).status_code == 201
    second = await clinic.refer()
    assert code(await clinic.book(second, slot)) == (422, "SLOT_NOT_AVAILABLE")
    usrn = gone["identifier"][0]["value"].removeprefix("USRN ")
    clinic.pas.mark(usrn, "busy")
    await clinic.poll()
    assert (await states(clinic))[usrn] == "GONE"
    assert code(await clinic.book(second, gone)) == (422, "SLOT_NOT_AVAILABLE")
    assert await claimed(clinic) == 0


async def test_a_slot_that_is_taken_in_the_pas(clinic: Rig) -> None:
    """The PAS rejects the booking. The service does not offer the slot again until the PAS shows it as free."""
    referral, slot = await clinic.refer(), await slot_of(clinic)
    usrn = slot["identifier"][0]["value"].removeprefix("USRN ")
    clinic.pas.mark(usrn, "busy")
    before = await rows(clinic, "referrals", "history", "events", "claims")
    reply = await clinic.book(referral, slot)
    assert code(reply) == (502, "PAS_RESPONDED_WITH_ERROR")
    assert reply.json()["issue"][0]["diagnostics"] == (
        f"PAS unable to create booking into slot '{slot['id']}' for UBRN: {referral['id']}. PAS Request Status: ERROR"
    )
    assert await rows(clinic, "referrals", "history", "events", "claims") == before
    assert (await states(clinic))[usrn] == "GONE"
    assert code(await clinic.book(referral, slot)) == (422, "SLOT_NOT_AVAILABLE")
    clinic.pas.mark(usrn, "free")
    await clinic.poll()
    assert (await clinic.book(referral, slot)).status_code == 201


async def test_only_who_has_a_relationship_books(clinic: Rig) -> None:
    """A GP of another practice cannot book the referral."""
    referral, slot = await clinic.refer(), await slot_of(clinic)
    other = await clinic.run.as_person(GP_ELSEWHERE)
    reply = await other.post("/STU3/Appointment", json=booking(referral, slot), headers=HEADERS)
    assert code(reply) == (422, "NO_RELATIONSHIP")


async def test_an_admin_of_the_practice_books_too(clinic: Rig) -> None:
    referral, slot = await clinic.refer(), await slot_of(clinic)
    admin = await clinic.run.as_person(GP_ADMIN)
    reply = await admin.post("/STU3/Appointment", json=booking(referral, slot), headers=HEADERS)
    assert reply.status_code == 201, reply.text


@pytest.mark.parametrize("version", [0, 2, 4, 999999999])
async def test_another_version_of_the_referral_conflicts(clinic: Rig, version: int) -> None:
    """A016 with an older or newer version of the referral returns VERSION_CONFLICT."""
    referral, slot = await clinic.refer(), await slot_of(clinic)
    stale = [{"reference": f"ReferralRequest/{referral['id']}/_history/{version}"}]
    before = await rows(clinic)
    assert code(await clinic.book(referral, slot, incomingReferral=stale)) == (409, "VERSION_CONFLICT")
    assert await rows(clinic) == before


@pytest.mark.parametrize("done", ["booked", "sent for triage", "deferred", "cancelled"])
async def test_only_an_unbooked_referral_is_booked(clinic: Rig, done: str) -> None:
    """A referral that was booked, deferred, sent for triage or cancelled cannot be booked in its latest version."""
    referral, slot = await clinic.refer(), await slot_of(clinic)
    if done == "sent for triage":
        assert (await clinic.defer(referral, "TRIAGE", TRIAGE)).status_code == 201
    elif done == "deferred":
        assert (await clinic.defer(referral, "NO_SLOTS_AT_SERVICE", NO_SLOTS)).status_code == 201
    else:
        appointment = await clinic.book(referral, slot)
        assert appointment.status_code == 201, appointment.text
        if done == "cancelled":
            assert (await clinic.cancel(appointment.json(), "PATIENT_ILL")).status_code == 200
    now, another = await clinic.read(referral), await slot_of(clinic)
    before = await rows(clinic)
    for reply in (
        await clinic.book(now, another),
        await clinic.defer(now, "TRIAGE", TRIAGE),
        await clinic.defer(now, "NO_SLOTS_AT_SERVICE", NO_SLOTS),
    ):
        assert code(reply) == (422, "INVALID_REQUEST_STATE")
    assert await rows(clinic) == before


async def test_a_service_that_was_withdrawn_since(clinic: Rig) -> None:
    """If the service was withdrawn after the referral, A016 rejects bookings and deferrals."""
    referral, slot = await clinic.refer(OTHER), await slot_of(clinic, service=OTHER)
    service = await service_called(clinic.run, OTHER)
    await put(clinic.run, msgspec.structs.replace(service, status=ServiceStatus.WITHDRAWN))
    try:
        assert code(await clinic.book(referral, slot)) == (422, "SERVICE_UNAVAILABLE")
        deferred = await clinic.defer(referral, "BOOKING_ATTEMPT_PROBLEM", OTHER)
        assert code(deferred) == (422, "SERVICE_UNAVAILABLE")
    finally:
        await put(clinic.run, service)


async def test_a_patient_whose_record_became_sensitive(clinic: Rig) -> None:
    """Booking, deferral, cancellation and reads are rejected, and the reply does not contain the NHS number."""
    referral, slot = await clinic.refer(), await slot_of(clinic)
    other, another = await clinic.refer(), (await clinic.free())[-1]
    appointment = (await clinic.book(other, another)).json()
    patient = await patient_called(clinic.run, PATIENT)
    await put(clinic.run, msgspec.structs.replace(patient, sensitive=True))
    try:
        for reply in (
            await clinic.book(referral, slot),
            await clinic.defer(referral, "TRIAGE", TRIAGE),
            await clinic.cancel(appointment, "PATIENT_ILL"),
            await clinic.gp.get(f"/STU3/Appointment/{appointment['id']}"),
        ):
            assert code(reply) == (422, "PATIENT_ERROR")
            assert PATIENT not in reply.text
    finally:
        await put(clinic.run, patient)


async def test_a_slot_of_a_named_clinician(clinic: Rig) -> None:
    """The booking must name the slot's clinician, whose type is an object or an array.

    The appointment shows the clinician.
    """
    referral, slot = await clinic.refer(), await slot_of(clinic, CLINICIAN)
    body = booking(referral, slot)
    two = {**body, "participant": body["participant"][:2]}
    assert code(await post(clinic, two)) == (422, "INAPPROPRIATE_VALUE")
    other = also(type=CON, actor={"identifier": {"system": SDS_USER, "value": "555031999105"}})(two)
    assert code(await post(clinic, other)) == (422, "INAPPROPRIATE_VALUE")
    untyped = also(actor=NAMED["actor"])(two)
    assert code(await post(clinic, untyped)) == (422, "INVALID_FHIR_STRUCTURE")
    wrong = also(type={"coding": [{**CON["coding"][0], "code": "ATND"}]}, actor=NAMED["actor"])(two)
    assert code(await post(clinic, wrong)) == (422, "INVALID_CODE")
    booked = await post(clinic, also(type=[CON], actor=NAMED["actor"])(two))
    assert booked.status_code == 201, booked.text
    (clinician,) = (each for each in booked.json()["participant"] if "type" in each)
    assert (clinician["type"], clinician["actor"]["identifier"]["value"]) == (CON, CLINICIAN)


async def test_what_is_booked_is_told_alike_everywhere(clinic: Rig) -> None:
    """The reply, A038, the PAS, the referral and the events show the same booking."""
    referral, slot = await clinic.refer(), await slot_of(clinic)
    reply = await clinic.book(referral, slot)
    appointment = reply.json()
    assert (reply.headers["etag"], appointment["meta"]["versionId"], appointment["status"]) == ('W/"0"', "0", "booked")
    assert appointment["slot"] == [{"reference": f"Slot/{slot['id']}"}]
    assert (appointment["start"], appointment["end"]) == (slot["start"], slot["end"])
    now = await clinic.read(referral)
    quoted = f"ReferralRequest/{referral['id']}/_history/{now['meta']['versionId']}"
    assert appointment["incomingReferral"] == [{"reference": quoted}]
    assert int(now["meta"]["versionId"]) > int(referral["meta"]["versionId"])
    assert (await clinic.gp.get(f"/STU3/Appointment/{appointment['id']}")).json() == appointment
    (there,) = (each for each in clinic.pas.appointments.values() if referral["id"] in str(each))
    assert there["slot"] == [{"reference": f"Slot/{slot['identifier'][0]['value'].removeprefix('USRN ')}"}]
    assert {"system": NHS_NUMBER.replace("http://fhir.nhs.net", "https://fhir.nhs.uk"), "value": PATIENT} in [
        each["actor"]["identifier"] for each in there["participant"]
    ]
    assert [each for each in await acts(clinic) if each[1] == referral["id"]][-1] == (
        "book",
        referral["id"],
        int(now["meta"]["versionId"]),
    )


async def test_a_claim_that_was_settled_meanwhile(clinic: Rig) -> None:
    """If the sweeper settles the booking first, the caller gets UNABLE_TO_CONFIRM_APPOINTMENT and the booking stays."""
    slow, pas = await held(clinic)
    referral, slot = await slow.refer(), await slot_of(slow)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(slow.book(referral, slot))
        await pas.waits()
        assert await clinic.sweep() == []
        pas.go.set()
    assert code(waiting.result()) == (422, "UNABLE_TO_CONFIRM_APPOINTMENT")
    now = await clinic.read(referral)
    assert now["extension"][-1]["extension"][0]["valueCoding"]["code"] == "BOOKED"
    assert await claimed(clinic) == 0
