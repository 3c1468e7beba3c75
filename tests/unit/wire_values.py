"""Values that the wire tests write, and bodies that they read."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec

from openers.domain.appointment import Appointment, AppointmentStatus, ReviewCause
from openers.domain.codes import (
    AdditionalRequirement,
    AppointmentType,
    BookableType,
    LetterIntention,
    Priority,
    RequestFlow,
    ReviewReason,
)
from openers.domain.directory import AgeRange, Contact, LimitedWait, Service
from openers.domain.identifiers import (
    AppointmentId,
    NhsNumber,
    OdsCode,
    Postcode,
    RequestId,
    ServiceId,
    SnomedCode,
    Ubrn,
    UserId,
)
from openers.domain.lifecycle import ReferralState
from openers.domain.principal import RC, Principal
from openers.domain.referral import Referral
from openers.domain.search import SearchCriteria
from openers.domain.shortlist import Shortlist, ShortlistedService
from openers.usecases.ports.transaction import Stored
from openers.wire.r4.bundles import Searchset

T = TypeVar("T", bound=msgspec.Struct)

BASE = "https://ers.example/FHIR"
AT = datetime(2031, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
DAY = date(2031, 2, 3)
BY = Principal(UserId("555000000001"), OdsCode("A81001"), RC, "app", "session")
GOLDEN = Path(__file__).parents[1] / "golden"

SD = "https://fhir.nhs.uk/STU3/StructureDefinition/"
CS = "https://fhir.nhs.uk/STU3/CodeSystem/"


def _restore(kind: type, text: str) -> str:
    return cast("str", kind(text))


def stored(key: str, version: int, value: T) -> Stored[T]:
    """Return `value` as the store returns it."""
    body = msgspec.json.encode(value, enc_hook=str.__str__)
    return Stored(key, version, body, msgspec.json.Decoder(type(value), dec_hook=_restore))


def golden(name: str) -> Any:
    """Return a reply typed by hand."""
    return json.loads((GOLDEN / name).read_text("utf-8"))


def in_order(body: bytes | Any) -> str:
    """Return JSON as text that keeps the order of elements."""
    return json.dumps(json.loads(body) if isinstance(body, bytes) else body, indent=1)


def searchset(query: str = "") -> Searchset:
    """Return the metadata of a search result."""
    return Searchset(UUID("00000000-0000-4000-8000-000000000001"), AT, BASE, query)


CRITERIA = SearchCriteria(
    priority=Priority.TWO_WEEK_WAIT,
    age_and_gender_appropriate=True,
    specialty="UROLOGY",
    clinic_type="STONES",
    clinical_term=SnomedCode("95570007"),
    named_clinician=UserId("555000000009"),
    organisation=OdsCode("RXX"),
    wait_limit_days=30,
    postcode=Postcode("LS1 4AP"),
    distance_limit_miles=12,
)

REFERRAL = Referral(
    ubrn=Ubrn("000000012345"),
    request_id=RequestId("r.00000000-0000-4000-8000-0000000000aa"),
    state=ReferralState.NOT_BOOKED,
    patient=NhsNumber("9990000042"),
    owner=OdsCode("A81001"),
    referrer=UserId("555000000001"),
    created_by=UserId("555000000001"),
    created=AT,
    priority=Priority.TWO_WEEK_WAIT,
    shortlist=Shortlist(
        CRITERIA,
        (ShortlistedService(ServiceId("501"), "Stones Clinic"), ShortlistedService(ServiceId("502"), "Second")),
    ),
    letter_intention=LetterIntention.NEED_TO_ADD_LATER,
    reminder_days=0,
    commissioning_organisation=OdsCode("A81001"),
)

IN_TRIAGE = msgspec.structs.replace(
    REFERRAL,
    state=ReferralState.AWAITING_TRIAGE,
    pathway_start=AT,
    shortlist=Shortlist(
        SearchCriteria(priority=Priority.ROUTINE, age_and_gender_appropriate=False, specialty="UROLOGY"),
        (ShortlistedService(ServiceId("503"), "Triage"),),
    ),
    priority=Priority.ROUTINE,
    appointment=Appointment(
        id=AppointmentId("77"),
        version=1,
        status=AppointmentStatus.PROPOSED,
        service=ShortlistedService(ServiceId("503"), "Triage"),
        specialty="UROLOGY",
        specialty_name="Urology",
        created=AT,
        reason=ReviewCause(ReviewReason.TRIAGE),
    ),
)

SMALL_SERVICE = Service(
    id=ServiceId("502"),
    name="Second",
    organisation=OdsCode("RXX"),
    site=OdsCode("RXX02"),
    location_name="Annexe",
    postcode=Postcode("LS1 4AP"),
    workgroup="RXX/urology",
    clinic_types=(("UROLOGY", "STONES"),),
    flows=(RequestFlow.ADVICE_AND_GUIDANCE_REQUEST,),
    bookable=BookableType.UNSPECIFIED,
    letter_required=False,
    appointment_wait_days=LimitedWait.NOT_APPLICABLE,
)

FULL_SERVICE = msgspec.structs.replace(
    SMALL_SERVICE,
    id=ServiceId("501"),
    name="Stones Clinic",
    flows=(RequestFlow.APPOINTMENT_REQUEST, RequestFlow.ADVICE_AND_GUIDANCE_REQUEST),
    bookable=BookableType.DIRECTLY_BOOKABLE,
    appointment_type=AppointmentType.FIRST_OUTPATIENT,
    letter_required=True,
    ages=AgeRange(16, 80),
    appointment_wait_days=14,
    treatment_wait_days=90,
    displayed_prominently=True,
    referrer_alert="Alert",
    exclusions="None under 16",
    suggested_investigations="Ultrasound",
    conditions_treated="Stones",
    additional_requirements=(AdditionalRequirement.TRANSPORT,),
    hours_of_operation="Weekdays",
    instructions="Bring a list of medicines",
    contacts=(Contact(True, "phone", "0113 496 0000"), Contact(False, "email", "stones@provider.example")),
)


def pair(system: str, key: str, value: object) -> dict[str, object]:
    """Return a coding or an identifier."""
    return {"system": system, key: value}


def criteria_body() -> dict[str, Any]:
    """Return search criteria, as a caller sends them."""
    return {
        "resourceType": "Parameters",
        "id": "c1",
        "meta": {"profile": [f"{SD}eRS-ServiceSearchCriteria-Parameters-1"]},
        "parameter": [
            {"name": "priority", "valueCoding": pair(f"{CS}eRS-Priority-1", "code", "URGENT")},
            {"name": "specialty", "valueCoding": pair("_baseUrl_/STU3/CodeSystem/SPECIALTY", "code", "UROLOGY")},
            {"name": "clinicType", "valueCoding": pair(f"{CS}eRS-ClinicType-1", "code", "STONES")},
            {"name": "ageAndGenderAppropriate", "valueBoolean": True},
        ],
    }


def search_body() -> dict[str, Any]:
    """Return a service search (A010), as a caller sends it."""
    return {
        "resourceType": "Parameters",
        "meta": {"profile": [f"{SD}eRS-PatientServiceSearch-Parameters-1"]},
        "parameter": [
            {"name": "requestType", "valueCoding": pair(f"{CS}eRS-RequestType-1", "code", "APPOINTMENT_REQUEST")},
            {"name": "sortBy", "valueCoding": pair(f"{CS}eRS-SortBy-1", "code", "DISTANCE")},
            {"name": "patient", "valueIdentifier": pair("http://fhir.nhs.net/Id/nhs-number", "value", "9990000042")},
            {"name": "searchCriteria", "resource": criteria_body()},
        ],
    }


def shortlist_body() -> dict[str, Any]:
    """Return a shortlist, as a caller sends it."""
    return {
        "resourceType": "List",
        "meta": {"profile": [f"{SD}eRS-Shortlist-List-1"]},
        "status": "current",
        "mode": "snapshot",
        "contained": [criteria_body()],
        "extension": [{"url": f"{SD}Extension-eRS-Shortlist-SearchCriteria-1", "valueReference": {"reference": "#c1"}}],
        "entry": [
            {"item": {"identifier": pair("http://fhir.nhs.net/Id/ers-service", "value", "501"), "display": "Stones"}},
            {"item": {"identifier": pair("http://fhir.nhs.net/Id/ers-service", "value", "502")}},
        ],
    }


def create_body(profile: str = "eRS-CreateReferral-Parameters-1") -> dict[str, Any]:
    """Return a new referral (A011, or A021 by its `profile`), as a caller sends it; the shortlist comes first."""
    intention = pair(f"{CS}eRS-ReferralLetterIntention-1", "code", "NEED_TO_ADD_LATER")
    return {
        "resourceType": "Parameters",
        "meta": {"profile": [f"{SD}{profile}"]},
        "parameter": [
            {"name": "shortlist", "resource": shortlist_body()},
            {"name": "patient", "valueIdentifier": pair("http://fhir.nhs.net/Id/nhs-number", "value", "9990000042")},
            {"name": "intentionToAddReferralLetter", "valueCoding": intention},
            {"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": 7},
        ],
    }


REMOVED = object()
"""Marks a place that is removed from a body."""


def changed(body: dict[str, Any], where: str, value: object) -> dict[str, Any]:
    """Return `body` with one place changed or removed."""
    body = deepcopy(body)
    *way, last = where.split("/")
    place: Any = body
    for step in way:
        place = place[_key(place, step)]
    key = _key(place, last)
    if value is REMOVED:
        del place[key]
    else:
        place[key] = value
    return body


def _key(place: object, step: str) -> Any:
    return int(step) if isinstance(place, list) else step
