"""A034 and A038: cancellation of a booked appointment with an allowed reason, and reads of its latest version.

Source: rules chapters 3.2, 3.4, 4 (A034, A038), 11.2 row 21.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.kit.referrals.rig import NO_SLOTS, SERVICE, Json, Rig, cancellation, code
from tests.kit.referrals.rows import acts, rows, states
from tests.kit.service.requests import HEADERS
from tests.kit.service.running import CONSULTANT, CONSULTANT_ELSEWHERE, GP_ADMIN, RC, Person

pytestmark = pytest.mark.anyio

GP_ELSEWHERE = Person("555073103211", "B86011", RC)
SYSTEM = "_baseUrl_/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON"
REVIEW = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-ReviewReason-1"


@pytest.fixture(scope="module")
async def clinic(desk: Rig) -> Rig:
    """Return a service with free slots."""
    await desk.add_slots(40)
    return desk


async def booked(desk: Rig) -> Json:
    """Book a slot; return the appointment."""
    reply = await desk.book(await desk.refer(), (await desk.free())[0])
    assert reply.status_code == 201, reply.text
    appointment: Json = reply.json()
    return appointment


async def put(client: httpx.AsyncClient, appointment: Json, reason: str, tag: str | None = 'W/"0"') -> httpx.Response:
    """Call A034 with any version tag."""
    headers = HEADERS if tag is None else {**HEADERS, "If-Match": tag}
    return await client.put(
        f"/STU3/Appointment/{appointment['id']}", json=cancellation(appointment, reason), headers=headers
    )


@pytest.mark.parametrize(
    ("reason", "comment"),
    [
        ("PATIENT_ILL", None),
        ("PATIENT_HOLIDAY", "on an island"),
        ("PATIENT_OTHER_ENGAGEMENT", "a wedding"),
        ("PATIENT_APPOINTMENT_CANCELLATION_OTHER", "x" * 1000),
    ],
)
async def test_a_cancellation_is_told_alike_everywhere(clinic: Rig, reason: str, comment: str | None) -> None:
    """The reply, A038, A005, the PAS and the events show the cancellation, and the slot is free again."""
    appointment = await booked(clinic)
    more = {} if comment is None else {"comment": comment}
    reply = await clinic.cancel(appointment, reason, **more)
    shown = reply.json()
    assert (reply.status_code, reply.headers["etag"], shown["status"]) == (200, 'W/"1"', "cancelled")
    assert (shown["id"], shown["reason"][0]["coding"][0]["code"]) == (appointment["id"], reason)
    assert shown.get("comment") == comment
    assert not shown.keys() & {"slot", "start", "end"}
    assert (await clinic.gp.get(f"/STU3/Appointment/{shown['id']}")).json() == shown
    ubrn = shown["incomingReferral"][0]["reference"].split("/")[1]
    now = await clinic.read({"id": ubrn})
    assert [each["valueCoding"]["code"] for each in now["extension"][-1]["extension"][:2]] == [
        "APPT_CANCELLED_BY_PATIENT",
        reason,
    ]
    (there,) = (each for each in clinic.pas.appointments.values() if ubrn in str(each["identifier"]))
    assert there["status"] == "cancelled"
    assert appointment["slot"][0]["reference"][5:] in {each["id"] for each in await clinic.free()}
    assert (await acts(clinic))[-1][:2] == ("cancel the appointment", ubrn)


def told(code_: str, system: str = SYSTEM) -> list[Json]:
    """Return a reason."""
    return [{"coding": [{"system": system, "code": code_}]}]


@pytest.mark.parametrize(
    ("changes", "expected", "text"),
    [
        ({"reason": told("NO_SUCH_REASON")}, "INVALID_VALUE", "'reason' (NO_SUCH_REASON)"),
        ({"reason": told("TRIAGE", REVIEW)}, "INVALID_VALUE", "'reason'"),
        ({"reason": told("CLINIC_CANCELLED")}, "INAPPROPRIATE_VALUE", "'reason' The reason provided is not valid in"),
        ({"reason": told("OTHER")}, "INAPPROPRIATE_VALUE", "'reason' The reason provided is not valid in this case"),
        ({"reason": told("PATIENT_APPOINTMENT_CLASH")}, "INAPPROPRIATE_VALUE", "'reason' The reason provided"),
        ({"reason": told("PATIENT_OTHER_ENGAGEMENT")}, "MISSING_VALUE", "'comment' is missing."),
        ({"reason": told("PATIENT_APPOINTMENT_CANCELLATION_OTHER")}, "MISSING_VALUE", "'comment' is missing."),
        ({"status": "booked"}, "INVALID_VALUE", "'status' (booked)"),
        ({"status": "proposed"}, "INVALID_VALUE", "'status' (proposed)"),
        ({"status": "x"}, "INVALID_CODE", "'status' (x)"),
        ({"id": "999999"}, "INVALID_VALUE", "'Appointment Id' (999999)"),
        ({"comment": "x" * 1001}, "INVALID_VALUE", "'comment'"),
        ({"description": "x"}, "INVALID_VALUE", "'description'"),
        ({"colour": "red"}, "UNEXPECTED_FIELD", "'colour'"),
    ],
)
async def test_each_refusal_comes_from_its_rule(clinic: Rig, changes: Json, expected: str, text: str) -> None:
    """The rejection changes neither the database nor the PAS."""
    appointment = await booked(clinic)
    before, there = await rows(clinic), str(clinic.pas.appointments)
    reply = await clinic.cancel(appointment, "PATIENT_ILL", **changes)
    assert code(reply) == (422, expected), reply.text
    assert reply.json()["issue"][0]["diagnostics"].startswith(text)
    assert (await rows(clinic), str(clinic.pas.appointments)) == (before, there)
    assert (await clinic.cancel(appointment, "PATIENT_ILL")).status_code == 200


async def test_a_reason_must_be_given(clinic: Rig) -> None:
    """A request without a reason returns MISSING_VALUE."""
    appointment = await booked(clinic)
    body = {name: value for name, value in cancellation(appointment, "PATIENT_ILL").items() if name != "reason"}
    reply = await clinic.gp.put(
        f"/STU3/Appointment/{appointment['id']}", json=body, headers={**HEADERS, "If-Match": 'W/"0"'}
    )
    assert code(reply) == (422, "MISSING_VALUE")
    assert reply.json()["issue"][0]["diagnostics"] == "'reason' is missing."
    assert (await clinic.cancel(appointment, "PATIENT_ILL")).status_code == 200


async def test_the_version_is_that_of_the_appointment(clinic: Rig) -> None:
    """If-Match names the appointment's version, not the referral's. A missing tag gets 412, a malformed one 400."""
    appointment = await booked(clinic)
    before = await rows(clinic)
    for tag, expected in (('W/"1"', 409), ('W/"4"', 409), (None, 412), ('"0"', 400), ("0", 400), ("*", 400)):
        reply = await put(clinic.gp, appointment, "PATIENT_ILL", tag)
        assert reply.status_code == expected, (tag, reply.text)
    assert await rows(clinic) == before
    assert (await put(clinic.gp, appointment, "PATIENT_ILL")).status_code == 200


@pytest.mark.parametrize("how", ["deferred", "triage", "cancelled"])
async def test_only_a_booking_is_cancelled(clinic: Rig, how: str) -> None:
    """A proposed or cancelled appointment cannot be cancelled, but it can still be read."""
    if how == "cancelled":
        first = await booked(clinic)
        appointment: Json = (await clinic.cancel(first, "PATIENT_ILL")).json()
        assert code(await clinic.cancel(first, "PATIENT_ILL")) == (409, "VERSION_CONFLICT")
    else:
        chosen: tuple[str, str] = ("TRIAGE", "11004") if how == "triage" else ("BOOKING_ATTEMPT_PROBLEM", SERVICE)
        appointment = (await clinic.defer(await clinic.refer(), *chosen)).json()
    before = await rows(clinic)
    assert code(await clinic.cancel(appointment, "PATIENT_ILL")) == (422, "INVALID_REQUEST_STATE")
    assert await rows(clinic) == before
    assert (await clinic.gp.get(f"/STU3/Appointment/{appointment['id']}")).json() == appointment


async def test_only_who_has_a_relationship_cancels_or_reads(clinic: Rig) -> None:
    """The practice's admin can cancel, and the provider can read. Users of other organisations can do neither."""
    appointment = await booked(clinic)
    address = f"/STU3/Appointment/{appointment['id']}"
    other = await clinic.run.as_person(GP_ELSEWHERE)
    assert code(await put(other, appointment, "PATIENT_ILL")) == (422, "NO_RELATIONSHIP")
    assert code(await other.get(address)) == (422, "NO_RELATIONSHIP")
    assert code(await (await clinic.run.as_person(CONSULTANT_ELSEWHERE)).get(address)) == (422, "NO_RELATIONSHIP")
    assert (await (await clinic.run.as_person(CONSULTANT)).get(address)).json() == appointment
    assert (await put(await clinic.run.as_person(GP_ADMIN), appointment, "PATIENT_ILL")).status_code == 200


@pytest.mark.parametrize("id", ["999999", "0", "x", "1" * 30])
async def test_an_appointment_that_is_not_there(clinic: Rig, id: str) -> None:
    """A038 and A034 return 404 for an unknown appointment."""
    stray = {**await booked(clinic), "id": id}
    assert (await clinic.gp.get(f"/STU3/Appointment/{id}")).status_code == 404
    assert (await put(clinic.gp, stray, "PATIENT_ILL")).status_code == 404


async def test_only_the_latest_version_is_read(clinic: Rig) -> None:
    """A038 returns only the latest version. Other versions get 404."""
    appointment = await booked(clinic)
    address = f"/STU3/Appointment/{appointment['id']}/_history"
    assert (await clinic.gp.get(f"{address}/0")).json() == appointment
    assert (await clinic.cancel(appointment, "PATIENT_ILL")).status_code == 200
    for version, status in (("0", 404), ("1", 200), ("2", 404), ("x", 400)):
        assert (await clinic.gp.get(f"{address}/{version}")).status_code == status


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("500", (502, "PAS_RESPONDED_WITH_ERROR")), ("409", (502, "PAS_RESPONDED_WITH_ERROR"))],
)
async def test_a_pas_that_refuses_leaves_the_booking(clinic: Rig, fault: str, expected: Any) -> None:
    """If the PAS rejects the cancellation, nothing changes and a retry succeeds."""
    appointment = await booked(clinic)
    before = await rows(clinic, "referrals", "history", "slots", "claims", "events")
    clinic.pas.fault = fault
    try:
        assert code(await clinic.cancel(appointment, "PATIENT_ILL")) == expected
    finally:
        clinic.pas.fault = ""
    assert await rows(clinic, "referrals", "history", "slots", "claims", "events") == before
    assert (await clinic.cancel(appointment, "PATIENT_ILL")).status_code == 200
    assert "BOOKED" not in {state for key, state in (await states(clinic, NO_SLOTS)).items() if key}
