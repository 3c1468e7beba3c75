"""Appointments and slots that the wire tests write, and bodies that they read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from tests.unit.wire_values import AT, CS, REFERRAL, SD, pair

from openers.domain.appointment import Appointment, AppointmentStatus, CancellationReason, ReviewCause
from openers.domain.codes import CodeSystemName, Priority, ReviewReason
from openers.domain.identifiers import AppointmentId, ServiceId, SlotId, UserId
from openers.domain.lifecycle import ReferralState
from openers.domain.shortlist import ShortlistedService
from openers.domain.slots import Slot, SlotState
from openers.usecases.ports.slot_page import SlotQuery

START = AT + timedelta(days=7)
END = START + timedelta(minutes=15)

APPOINTMENT = Appointment(
    id=AppointmentId("78"),
    version=0,
    status=AppointmentStatus.BOOKED,
    service=ShortlistedService(ServiceId("501"), "Stones Clinic"),
    specialty="UROLOGY",
    specialty_name="Urology",
    created=AT,
    slot=SlotId("9001"),
    start=START,
    end=END,
    clinician=UserId("555000000009"),
    booking_key="key known to the PAS alone",
    pas_id="id known to the PAS alone",
)
BOOKED = msgspec.structs.replace(
    REFERRAL, state=ReferralState.BOOKED, pathway_start=AT, workgroup="RXX/urology", appointment=APPOINTMENT
)
ILL = CancellationReason("PATIENT_ILL")
CANCELLED = msgspec.structs.replace(
    BOOKED,
    state=ReferralState.APPT_CANCELLED_BY_PATIENT,
    appointment=APPOINTMENT.ended(AppointmentStatus.CANCELLED, ILL, "In hospital"),
)
AWAY = CancellationReason("PATIENT_DID_NOT_ATTEND", CodeSystemName.APPOINTMENT_NON_ATTENDANCE_REASON)
MISSED = msgspec.structs.replace(
    BOOKED,
    state=ReferralState.DID_NOT_ATTEND,
    appointment=APPOINTMENT.ended(AppointmentStatus.NO_SHOW, AWAY, None),
)
DEFERRED = msgspec.structs.replace(
    BOOKED,
    state=ReferralState.DEFERRED_TO_PROVIDER,
    appointment=msgspec.structs.replace(
        APPOINTMENT,
        version=1,
        status=AppointmentStatus.PROPOSED,
        reason=ReviewCause(ReviewReason.NO_SLOTS_AT_SERVICE),
        comment="None this month",
        slot=None,
        start=None,
        end=None,
        clinician=None,
    ),
)

QUERY = SlotQuery(service=ServiceId("501"), priority=Priority.TWO_WEEK_WAIT, count=2, page=2)


def slot(number: int, clinician: UserId | None = None, usrn: str = "") -> Slot:
    """Return a free slot."""
    return Slot(
        id=SlotId(str(number)),
        service=ServiceId("501"),
        pas_id=f"pas-{number}",
        usrn=usrn or f"U-{number}",
        start=START,
        end=END,
        priorities=frozenset({Priority.TWO_WEEK_WAIT}),
        clinician=clinician,
        state=SlotState.FREE,
    )


def participant(system: str, value: str) -> dict[str, Any]:
    """Return a participant."""
    return {"actor": {"identifier": pair(f"http://fhir.nhs.net/Id/{system}", "value", value)}, "status": "accepted"}


def booking_body() -> dict[str, Any]:
    """Return a booking with a clinician (A016), as a caller sends it."""
    concept = {"coding": [pair("http://hl7.org/fhir/ValueSet/encounter-participant-type", "code", "CON")]}
    return {
        "id": "appointment",
        "meta": {
            "profile": [
                f"{SD}eRS-Appointment-1",
                "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1",
            ]
        },
        "language": "en",
        "resourceType": "Appointment",
        "status": "booked",
        "description": "e-Referral Appointment",
        "start": "2031-02-10T05:05:06.789+01:00",
        "end": "2031-02-10T04:20:06.789Z",
        "slot": [{"reference": "Slot/9001"}],
        "incomingReferral": [{"reference": "ReferralRequest/000000012345/_history/6"}],
        "participant": [
            participant("ers-service", "501"),
            participant("nhs-number", "9990000042"),
            {"type": concept, **participant("sds-user-id", "555000000009")},
        ],
    }


def deferral_body() -> dict[str, Any]:
    """Return a deferral (A016), as a caller sends it."""
    body = booking_body()
    for key in ("start", "end", "slot"):
        del body[key]
    del body["participant"][2]
    coding = pair(f"{CS}eRS-ReviewReason-1", "code", "NO_SLOTS_AT_SERVICE")
    return body | {"status": "proposed", "comment": "None this month", "reason": [{"coding": [coding]}]}


def cancellation_body() -> dict[str, Any]:
    """Return a cancellation (A034): the appointment as read, with another status and a reason."""
    body = deferral_body()
    body["meta"]["versionId"] = "0"
    body["participant"][0]["actor"]["display"] = "Stones Clinic"
    coding = pair("_baseUrl_/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON", "code", "PATIENT_ILL")
    created = "2031-02-03T04:05:06.789Z"
    return body | {"id": "78", "status": "cancelled", "created": created, "reason": [{"coding": [coding]}]}
