"""Appointments in requests: each is read, or refused with its code, place and text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.wire_appointments import (
    BOOKED,
    CANCELLED,
    DEFERRED,
    END,
    START,
    booking_body,
    cancellation_body,
    deferral_body,
    participant,
)
from tests.unit.wire_values import BASE, CS, REMOVED, SD, changed, pair, stored

from openers.domain.appointment import CancellationReason, ReviewCause
from openers.domain.codes import ReviewReason
from openers.domain.referral import Referral
from openers.usecases.ports.appointment_request import AppointmentRequest, WantedStatus
from openers.wire.instants import write_instant
from openers.wire.json import BadCode, BadStructure, BadValue, MissingField, UnexpectedField, Unreadable, parse
from openers.wire.outcome import diagnostics_of
from openers.wire.stu3.booking.appointment import write_appointment
from openers.wire.stu3.booking.appointment_request import LONGEST_COMMENT, read_appointment

NET = "http://fhir.nhs.net/Id/"
CARE_CONNECT = "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1"
REFERENCE = "incomingReferral[0]/reference"
QUOTED = "must be ReferralRequest/{UBRN}/_history/{version}"
SLOT = "slot[0]/reference"
ACTOR = "participant[1]/actor/identifier"
CODING = "participant[2]/type/coding"
ONE_OF = "must be one of proposed, pending, booked, arrived, fulfilled, cancelled, noshow"
INSTANT = "must be an instant such as 2030-01-31T09:30:00.000Z, with an offset"
SYSTEMS = f"must be {NET}ers-service, {NET}nhs-number or {NET}sds-user-id"
TYPE_SYSTEM = "http://hl7.org/fhir/ValueSet/encounter-participant-type"
LONG = f"must not be longer than {LONGEST_COMMENT} characters"
REASON_SYSTEMS = f"must be {CS}eRS-ReviewReason-1 or _baseUrl_/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON"


def request(**more: Any) -> AppointmentRequest:
    """Return the common contents of all bodies, with `more` applied."""
    common: dict[str, Any] = {
        "id": "appointment",
        "ubrn": "000000012345",
        "referral_version": 6,
        "service": "501",
        "patient": "9990000042",
    }
    return AppointmentRequest(**common | more)


def test_a_booking() -> None:
    wanted = request(status=WantedStatus.BOOKED, clinician="555000000009", slot="9001", start=START, end=END)
    assert read_appointment(booking_body()) == wanted


def test_a_deferral() -> None:
    reason = ReviewCause(ReviewReason.NO_SLOTS_AT_SERVICE)
    assert read_appointment(deferral_body()) == request(
        status=WantedStatus.PROPOSED, comment="None this month", reason=reason
    )


def test_a_cancellation_may_repeat_what_was_read() -> None:
    reason = CancellationReason("PATIENT_ILL")
    assert read_appointment(cancellation_body()) == request(
        id="78", status=WantedStatus.CANCELLED, comment="None this month", reason=reason
    )


def test_the_type_of_a_clinician_may_be_an_array_of_one_as_fhir_has_it() -> None:
    body = booking_body()
    clinician = body["participant"][2]
    clinician["type"] = [clinician["type"]]
    assert read_appointment(body) == read_appointment(booking_body())


def test_those_who_take_part_may_stand_in_any_order() -> None:
    body = booking_body()
    body["participant"].reverse()
    assert read_appointment(body) == read_appointment(booking_body())


def test_profiles_may_stand_in_any_order_among_others() -> None:
    body = booking_body()
    body["meta"]["profile"] = ["https://another.example/profile", *reversed(body["meta"]["profile"])]
    assert read_appointment(body) == read_appointment(booking_body())


@pytest.mark.parametrize("referral", [BOOKED, DEFERRED, CANCELLED])
def test_what_is_written_can_be_sent_back(referral: Referral) -> None:
    appointment = referral.appointment
    assert appointment is not None
    read = read_appointment(parse(write_appointment(stored(referral.ubrn, 8, referral), BASE)))
    for name in ("id", "status", "reason", "comment", "slot", "start", "end", "clinician"):
        assert getattr(read, name) == getattr(appointment, name)
    assert (read.service, read.patient) == (appointment.service.id, referral.patient)
    assert (read.ubrn, read.referral_version) == (referral.ubrn, 8)


@pytest.mark.parametrize("slots", [REMOVED, []])
def test_a_slot_may_be_left_out(slots: object) -> None:
    assert read_appointment(changed(booking_body(), "slot", slots)).slot is None


@pytest.mark.parametrize("status", list(WantedStatus))
def test_every_status_of_the_profile_is_read(status: WantedStatus) -> None:
    assert read_appointment(changed(booking_body(), "status", status.value)).status is status


def test_a_comment_of_the_greatest_length_is_read() -> None:
    assert read_appointment(changed(deferral_body(), "comment", "x" * 1000)).comment == "x" * 1000


MALFORMED: list[tuple[str, object, type[Unreadable], str, str]] = [
    # The changed place of a booking and its new value; the refusal, its place and its text.
    ("resourceType", "Slot", BadValue, "resourceType", "must be Appointment"),
    ("meta/profile", [f"{SD}eRS-Appointment-1"], BadValue, "meta/profile", f"must hold {CARE_CONNECT}"),
    ("meta/profile", [CARE_CONNECT], BadValue, "meta/profile", f"must hold {SD}eRS-Appointment-1"),
    ("meta", REMOVED, BadStructure, "meta", "is required"),
    ("id", REMOVED, BadStructure, "id", "is required"),
    ("language", 1, BadValue, "language", "must be a string"),
    ("contained", [], UnexpectedField, "contained", "unknown element"),
    ("extension", [], UnexpectedField, "extension", "unknown element"),
    ("minutesDuration", 15, UnexpectedField, "minutesDuration", "unknown element"),
    ("_start", {}, UnexpectedField, "_start", "unknown element"),
    ("created", 1, BadValue, "created", "must be a string"),
    ("created", None, BadStructure, "created", "must not be null"),
    ("description", REMOVED, BadStructure, "description", "is required"),
    ("description", "e-referral appointment", BadValue, "description", "must be e-Referral Appointment"),
    ("status", REMOVED, BadStructure, "status", "is required"),
    ("status", "Booked", BadCode, "status", ONE_OF),
    ("status", "waitlist", BadCode, "status", ONE_OF),
    ("status", [], BadStructure, "status", "must be a string"),
    ("start", "2031-02-10T04:05:06", BadValue, "start", INSTANT),
    ("start", "2031-02-30T04:05:06Z", BadValue, "start", "must be a date and time that exists"),
    ("end", "2031-02-10", BadValue, "end", INSTANT),
    ("end", 1, BadValue, "end", "must be a string"),
    ("comment", "", BadValue, "comment", "must not be empty"),
    ("comment", "x" * 1001, BadValue, "comment", LONG),
    ("comment", ["x"], BadStructure, "comment", "must be a string"),
    ("slot", {}, BadStructure, "slot", "must be an array"),
    ("slot", [{"reference": "Slot/1"}] * 2, BadStructure, "slot[1]", "is allowed once"),
    ("slot/0", "Slot/1", BadStructure, "slot[0]", "must be an object"),
    ("slot/0/reference", REMOVED, BadStructure, SLOT, "is required"),
    ("slot/0/identifier", {}, UnexpectedField, "slot[0]/identifier", "unknown element"),
    ("slot/0/reference", "9001", BadValue, SLOT, "must be Slot/{id}"),
    ("slot/0/reference", "Slot/0", BadValue, SLOT, "must be Slot/{id}"),
    ("slot/0/reference", "Slot/\uff11", BadValue, SLOT, "must be Slot/{id}"),
    ("slot/0/reference", "Slot/1\n", BadValue, SLOT, "must be Slot/{id}"),
    ("incomingReferral", REMOVED, BadStructure, "incomingReferral", "is required"),
    ("incomingReferral", [], MissingField, "", "is missing."),
    ("incomingReferral", "x", BadStructure, "incomingReferral", "must be an array"),
    ("incomingReferral/0/reference", "ReferralRequest/000000012345", BadValue, REFERENCE, QUOTED),
    ("incomingReferral/0/reference", "ReferralRequest/12345/_history/6", BadValue, REFERENCE, QUOTED),
    ("incomingReferral/0/reference", "ReferralRequest/000000012345/_history/x", BadValue, REFERENCE, QUOTED),
    ("incomingReferral/0/reference", "/ReferralRequest/000000012345/_history/6", BadValue, REFERENCE, QUOTED),
    ("participant", REMOVED, BadStructure, "participant", "is required"),
    ("participant", [], MissingField, "participant", "is missing."),
    ("participant/0", REMOVED, MissingField, "participant", "is missing."),
    ("participant/1", REMOVED, MissingField, "participant", "is missing."),
    ("participant/2", participant("nhs-number", "9990000042"), BadStructure, "participant[2]", "is allowed once"),
    ("participant/2", {}, BadStructure, "participant[2]/status", "is required"),
    ("participant/2/required", "x", UnexpectedField, "participant[2]/required", "unknown element"),
    ("participant/1/status", "tentative", BadValue, "participant[1]/status", "must be accepted"),
    ("participant/1/actor", REMOVED, BadStructure, "participant[1]/actor", "is required"),
    ("participant/1/actor/reference", "x", UnexpectedField, "participant[1]/actor/reference", "unknown element"),
    ("participant/1/actor/display", 1, BadValue, "participant[1]/actor/display", "must be a string"),
    ("participant/1/actor/identifier", "x", BadStructure, ACTOR, "must be an object"),
    ("participant/1/actor/identifier/system", REMOVED, BadStructure, f"{ACTOR}/system", "is required"),
    ("participant/1/actor/identifier/system", "urn:x", BadValue, f"{ACTOR}/system", SYSTEMS),
    ("participant/1/actor/identifier/value", "1", BadValue, f"{ACTOR}/value", "must be 10 digits"),
    ("participant/1/actor/identifier/type", {}, UnexpectedField, f"{ACTOR}/type", "unknown element"),
    ("participant/1/type", {}, UnexpectedField, "participant[1]/type", "is only allowed for a clinician"),
    ("participant/2/type", REMOVED, BadStructure, "participant[2]/type", "is required"),
    ("participant/2/type", [], BadStructure, "participant[2]/type", "must not be empty"),
    ("participant/2/type", [{}], BadStructure, "participant[2]/type[0]/coding", "is required"),
    ("participant/2/type/text", "x", UnexpectedField, "participant[2]/type/text", "unknown element"),
    ("participant/2/type/coding", [], BadStructure, CODING, "must not be empty"),
    ("participant/2/type/coding", [{}, {}], BadStructure, f"{CODING}[1]", "is allowed once"),
    ("participant/2/type/coding/0/code", "ATND", BadCode, f"{CODING}[0]/code", "must be CON"),
    ("participant/2/type/coding/0/system", "urn:x", BadValue, f"{CODING}[0]/system", f"must be {TYPE_SYSTEM}"),
]
REASONS: list[tuple[str, object, type[Unreadable], str, str]] = [
    # The changed place of a deferral and its new value; the refusal, its place and its text.
    ("reason", [], BadStructure, "reason", "must not be empty"),
    ("reason", {}, BadStructure, "reason", "must be an array"),
    ("reason", [{}, {}], BadStructure, "reason[1]", "is allowed once"),
    ("reason/0/text", "x", UnexpectedField, "reason[0]/text", "unknown element"),
    ("reason/0/coding", REMOVED, BadStructure, "reason[0]/coding", "is required"),
    ("reason/0/coding", [], BadStructure, "reason[0]/coding", "must not be empty"),
    ("reason/0/coding", [{}, {}], BadStructure, "reason[0]/coding[1]", "is allowed once"),
    ("reason/0/coding/0/system", REMOVED, BadStructure, "reason[0]/coding[0]/system", "is required"),
    ("reason/0/coding/0/system", "urn:x", BadValue, "reason[0]/coding[0]/system", REASON_SYSTEMS),
    (
        "reason/0/coding/0",
        pair(f"{CS}eRS-ReviewOutcome-1", "code", "ACCEPT_REFER_BOOK_LATER"),
        BadValue,
        "reason[0]/coding[0]/system",
        REASON_SYSTEMS,
    ),
    ("reason/0/coding/0/code", REMOVED, BadStructure, "reason[0]/coding[0]/code", "is required"),
    (
        "reason/0/coding/0/code",
        "PATIENT_ILL",
        BadCode,
        "reason[0]/coding[0]/code",
        "must be one of NO_SLOTS_AT_SERVICE, SLOT_NOT_AVAILABLE, BOOKING_ATTEMPT_PROBLEM, TRIAGE",
    ),
]


@pytest.mark.parametrize(
    ("body", "kind", "path", "words"),
    [
        *((changed(booking_body(), where, value), *refusal) for where, value, *refusal in MALFORMED),
        *((changed(deferral_body(), where, value), *refusal) for where, value, *refusal in REASONS),
    ],
    ids=[f"{where}-{index}" for index, (where, *_) in enumerate(MALFORMED + REASONS)],
)
def test_a_malformed_appointment_is_refused_with_its_place(
    body: dict[str, Any], kind: type[Unreadable], path: str, words: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        read_appointment(body)
    assert (type(refused.value), refused.value.path, refused.value.hint) == (kind, path, words)


@pytest.mark.parametrize(("index", "missing"), [(0, "service"), (1, "patient")])
def test_whoever_must_take_part_is_named(index: int, missing: str) -> None:
    with pytest.raises(MissingField) as refused:
        read_appointment(changed(booking_body(), f"participant/{index}", REMOVED))
    assert diagnostics_of(refused.value) == f"'{missing}' is missing."


def test_nobody_takes_part_twice() -> None:
    body = booking_body()
    body["participant"].append(participant("ers-service", "502"))
    with pytest.raises(BadStructure) as refused:
        read_appointment(body)
    assert diagnostics_of(refused.value) == f"'participant[3]' ({NET}ers-service) is allowed once"


def test_a_long_comment_is_not_repeated() -> None:
    with pytest.raises(BadValue) as refused:
        read_appointment(changed(deferral_body(), "comment", "secret" * 1000))
    assert "secret" not in diagnostics_of(refused.value)


@given(
    st.datetimes(min_value=START.replace(tzinfo=None), max_value=START.replace(tzinfo=None) + timedelta(days=4000)),
    st.integers(-14 * 60, 14 * 60),
)
def test_instants_of_any_offset_are_the_same_moment(local: Any, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    sent = f"{local.isoformat(timespec='milliseconds')}{sign}{hours:02}:{rest:02}"
    read = read_appointment(changed(booking_body(), "start", sent)).start
    assert read is not None
    assert write_instant(read) == f"{(local - timedelta(minutes=minutes)).isoformat(timespec='milliseconds')}Z"


@given(st.integers(0, 10**12 - 1), st.integers(0, 10**9 - 1), st.integers(1, 10**18 - 1))
def test_any_ubrn_version_and_slot_can_be_quoted(ubrn: int, version: int, slot: int) -> None:
    body = changed(booking_body(), "slot/0/reference", f"Slot/{slot}")
    quoted = f"ReferralRequest/{ubrn:012d}/_history/{version}"
    read = read_appointment(changed(body, "incomingReferral/0/reference", quoted))
    assert (read.ubrn, read.referral_version, read.slot) == (f"{ubrn:012d}", version, str(slot))
