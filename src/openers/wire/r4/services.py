"""Services of the directory in FHIR R4: a single one (A033), or several by id (A035).

Absent values are left out. Source: rules chapter 4 (A033), 9.4, 11.1 row 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.codes import AppointmentType, BookableType, RequestFlow
from openers.domain.directory import Contact, Service
from openers.usecases.ports.transaction import Stored
from openers.wire.json import Json, JsonValue, encode
from openers.wire.r4.bundles import Searchset, coded

_CODES: Final = "https://fhir.nhs.uk/CodeSystem/"
_EXTENSIONS: Final = "https://fhir.nhs.uk/StructureDefinition/Extension-eRS-"

TYPES: Final[dict[AppointmentType, str]] = {
    AppointmentType.DAY_CASE: "Day Case",
    AppointmentType.FIRST_OUTPATIENT: "First Outpatient",
    AppointmentType.ASSESSMENT_SERVICE: "Assessment Service",
    AppointmentType.GPSI: "GPSI",
    AppointmentType.AHP_CLINIC: "AHP Clinic",
    AppointmentType.DIAGNOSTIC: "Diagnostic",
    AppointmentType.NURSE_CLINIC: "Nurse Clinic",
    AppointmentType.OPHTHALMOLOGIST: "Ophthalmologist",
    AppointmentType.TELEPHONE_ASSESSMENT: "Telephone Assessment",
}
"""Display texts of appointment types."""
FLOWS: Final[dict[RequestFlow, tuple[str, str]]] = {
    RequestFlow.APPOINTMENT_REQUEST: ("BOOKABLE", "A service which supports a patient appointment"),
    RequestFlow.TRIAGE_REQUEST: (
        "REVIEW",
        "A service that reviews referrals, without the support or need for any appointment with the patient to be made",
    ),
    RequestFlow.ADVICE_AND_GUIDANCE_REQUEST: (
        "ADVICE_AND_GUIDANCE",
        "A service which can discuss the patient and receive guidance rather than a patient attending an appointment",
    ),
}
"""R4's own codes for the request types of a service; the profile fixes their display texts."""
BOOKABLE: Final[dict[BookableType, str]] = {
    BookableType.DIRECTLY_BOOKABLE: "Directly Bookable",
    BookableType.INDIRECTLY_BOOKABLE: "Indirectly Bookable",
}
"""Display texts of booking types. R4 has no code for UNSPECIFIED, so such a service shows none (rules 5.2)."""

_PATIENTS: Final = coded("http://terminology.hl7.org/CodeSystem/contactentity-type", "PATINF", "Patient")
_PROFESSIONALS: Final = coded(f"{_CODES}eRS-Purpose", "HEALTHCARE_PROFESSIONALS", "Healthcare Professionals")


def write_service(stored: Stored[Service], base: str) -> bytes:
    """Return the service (A033)."""
    return encode(_service(stored))


def write_services(services: Sequence[Stored[Service]], result: Searchset) -> bytes:
    """Return the services found by id (A035)."""
    of = "HealthcareService"
    return result.write(of, [(result.full_url(of, each.key), _service(each, listed=True)) for each in services])


def _service(stored: Stored[Service], *, listed: bool = False) -> Json:
    """Return one service. Published lists include `active`, the published single service does not."""
    service = stored.value
    shown: Json = {
        "id": service.id,
        "meta": {"versionId": str(stored.version)},
        "language": "en",
        "resourceType": "HealthcareService",
    }
    extensions = _extensions(service)
    if extensions:
        shown["extension"] = extensions
    if listed:
        shown["active"] = service.is_published
    shown["location"] = [{"identifier": {"system": "https://fhir.nhs.uk/Id/ods-site-code", "value": service.site}}]
    shown["name"] = service.name
    if service.appointment_type is not None:
        shown["type"] = [
            coded(f"{_CODES}eRS-AppointmentType", service.appointment_type, TYPES[service.appointment_type])
        ]
    characteristic: list[JsonValue] = [coded(f"{_CODES}eRS-RequestFlowType", *FLOWS[flow]) for flow in service.flows]
    if service.bookable in BOOKABLE:
        characteristic.append(coded(f"{_CODES}eRS-BookableType", service.bookable, BOOKABLE[service.bookable]))
    if characteristic:
        shown["characteristic"] = characteristic
    return shown


def _extensions(service: Service) -> list[JsonValue]:
    """Return the extensions for hours, instructions and contacts that the service has."""
    texts = {"HoursOfOperation": service.hours_of_operation, "ServiceInstructions": service.instructions}
    shown: list[JsonValue] = [
        {"url": f"{_EXTENSIONS}{name}", "valueString": text} for name, text in texts.items() if text
    ]
    shown += (_contact(each) for each in service.contacts)
    return shown


def _contact(contact: Contact) -> Json:
    """Return one contact of the service, with its purpose."""
    purpose = _PATIENTS if contact.for_patients else _PROFESSIONALS
    return {
        "url": f"{_EXTENSIONS}HealthcareService-Contact",
        "extension": [
            {"url": "purpose", "valueCodeableConcept": purpose},
            {"url": "telecom", "valueContactPoint": {"system": contact.system, "value": contact.value}},
        ],
    }
