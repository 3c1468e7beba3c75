"""Request bodies as a client would write them, with parts that a test can change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SD = "https://fhir.nhs.uk/STU3/StructureDefinition/"
CS = "https://fhir.nhs.uk/STU3/CodeSystem/"
NHS_NUMBER = "http://fhir.nhs.net/Id/nhs-number"
SDS_USER = "http://fhir.nhs.net/Id/sds-user-id"
ERS_SERVICE = "http://fhir.nhs.net/Id/ers-service"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
DIRECTORY = "https://directory.spineservices.nhs.uk/STU3/Organization"
PATIENT = "9912003888"
HEADERS = {"Content-Type": "application/fhir+json"}

Json = dict[str, Any]


def coding(name: str, system: str, code: str) -> Json:
    """Return a parameter with a coding from one of the service's own code systems."""
    full = system if "/" in system else f"{CS}eRS-{system}-1"
    return {"name": name, "valueCoding": {"system": full, "code": code}}


def identifier(name: str, system: str, value: str) -> Json:
    """Return a parameter that holds an identifier."""
    return {"name": name, "valueIdentifier": {"system": system, "value": value}}


def specialty(code: str) -> Json:
    """Return the specialty criterion."""
    return coding("specialty", "_baseUrl_/STU3/CodeSystem/SPECIALTY", code)


def criteria(*changes: Json, priority: str = "URGENT", without: Sequence[str] = (), appropriate: bool = False) -> Json:
    """Return search criteria for heart failure. `changes` replace parameters of the same name or are added."""
    parameters = [
        coding("priority", "Priority", priority),
        specialty("CARDIOLOGY"),
        coding("clinicType", "ClinicType", "HEART_FAILURE"),
        {"name": "ageAndGenderAppropriate", "valueBoolean": appropriate},
    ]
    return {
        "resourceType": "Parameters",
        "meta": {"profile": [f"{SD}eRS-ServiceSearchCriteria-Parameters-1"]},
        "id": "criteria",
        "parameter": changed(parameters, changes, without),
    }


def search(*changes: Json, without: Sequence[str] = (), of: Json | None = None) -> Json:
    """Return the keyword arguments of A010 for a client's `post`."""
    parameters = [
        coding("requestType", "RequestType", "APPOINTMENT_REQUEST"),
        coding("sortBy", "SortBy", "DISTANCE"),
        identifier("patient", NHS_NUMBER, PATIENT),
        {"name": "searchCriteria", "resource": of or criteria()},
    ]
    body = parameters_of("PatientServiceSearch", changed(parameters, changes, without))
    return posted("/STU3/HealthcareService/$ers.searchHealthcareServicesForPatient", body)


def shortlist(*services: str, of: Json | None = None) -> Json:
    """Return the shortlist parameter."""
    used = of or criteria()
    return {
        "name": "shortlist",
        "resource": {
            "resourceType": "List",
            "meta": {"profile": [f"{SD}eRS-Shortlist-List-1"]},
            "status": "current",
            "mode": "snapshot",
            "contained": [used],
            "extension": [
                {
                    "url": f"{SD}Extension-eRS-Shortlist-SearchCriteria-1",
                    "valueReference": {"reference": f"#{used['id']}"},
                }
            ],
            "entry": [{"item": {"identifier": {"system": ERS_SERVICE, "value": service}}} for service in services],
        },
    }


def create_referral(
    *changes: Json, services: Sequence[str] = ("11002",), of: Json | None = None, without: Sequence[str] = ()
) -> Json:
    """Return the keyword arguments of A011 for a client's `post`."""
    parameters = [
        identifier("patient", NHS_NUMBER, PATIENT),
        shortlist(*services, of=of),
        coding("intentionToAddReferralLetter", "ReferralLetterIntention", "NEED_TO_ADD_LATER"),
        {"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": 7},
    ]
    body = parameters_of("CreateReferral", changed(parameters, changes, without))
    return posted("/STU3/ReferralRequest/$ers.createReferral", body)


def create_for_triage(
    *changes: Json, services: Sequence[str] = ("11004",), of: Json | None = None, without: Sequence[str] = ()
) -> Json:
    """Return the keyword arguments of A021 for a client's `post`."""
    parameters = [
        identifier("patient", NHS_NUMBER, PATIENT),
        shortlist(*services, of=of),
        coding("intentionToAddReferralLetter", "ReferralLetterIntention", "NEED_TO_ADD_LATER"),
        {"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": 0},
    ]
    body = parameters_of("CreateReferralAndSendForTriage", changed(parameters, changes, without))
    return posted("/STU3/ReferralRequest/$ers.createReferralAndSendForTriage", body)


def parameters_of(profile: str, parameters: list[Json]) -> Json:
    """Return a Parameters resource with one of the service's own profiles."""
    return {
        "resourceType": "Parameters",
        "meta": {"profile": [f"{SD}eRS-{profile}-Parameters-1"]},
        "parameter": parameters,
    }


def posted(path: str, body: Json) -> Json:
    """Return keyword arguments for a client's `post`."""
    return {"url": path, "json": body, "headers": HEADERS}


def changed(parameters: list[Json], changes: Sequence[Json], without: Sequence[str]) -> list[Json]:
    """Return the parameters with `changes` applied and those named in `without` removed."""
    names = {change["name"] for change in changes}
    kept = [each for each in parameters if each["name"] not in names and each["name"] not in without]
    return [*kept, *changes]
