"""The request bodies of worklists, and the entries that tests read from a worklist."""

from __future__ import annotations

from typing import Any, Final

import httpx

from tests.kit.service.requests import CS, DIRECTORY, ERS_SERVICE, SDS_USER, Json, identifier, parameters_of, posted

REVIEW, ISSUES = "REFERRALS_FOR_REVIEW", "APPOINTMENT_SLOT_ISSUES"
REJECTED, RETURNED = "REJECTED_TRIAGE_RESPONSE", "ASSESSMENT_RETURNED_CANCELLED_DNA"
AWAITING, LETTERS = "AWAITING_BOOKING", "LETTERS_OUTSTANDING"
OF_PROVIDER: Final = (REVIEW, ISSUES)
OF_REFERRER: Final = (REJECTED, RETURNED, AWAITING, LETTERS)
ADDRESS: Final = "/STU3/ReferralRequest/$ers.fetchworklist"
EXTENSIONS: Final = {
    REVIEW: "ReferralsforReview",
    ISSUES: "AppointmentSlotIssues",
    REJECTED: "RejectedTriageResponse",
    RETURNED: "AssessmentReturnedCancelledDna",
    AWAITING: "AwaitingBooking",
    LETTERS: "LettersOutstanding",
}


def concept(name: str, system: str, code: str) -> Json:
    """Return a parameter that holds a code."""
    return {"name": name, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def list_type(code: str) -> Json:
    """Return the parameter that selects the list."""
    return concept("listType", f"{CS}eRS-ReferralListSelector-1", code)


def assigned(what: str, code: str = "ASSIGNED") -> Json:
    """Return the indicator that says whether a specialty or a clinician is assigned."""
    return concept(f"{what}AssignedIndicator", f"{CS}eRS-AssignedIndicator-1", code)


def of_service(service: str) -> Json:
    """Return the filter for the referrals of this service."""
    return identifier("service", ERS_SERVICE, service)


def at_location(location: str) -> Json:
    """Return the filter for the referrals at this location."""
    return identifier("location", DIRECTORY, location)


def of_clinician(user: str) -> tuple[Json, Json]:
    """Return the filters for the referrals of this clinician."""
    return assigned("clinician"), identifier("clinician", SDS_USER, user)


def of_specialty(code: str) -> tuple[Json, Json]:
    """Return the filters for the referrals of this specialty."""
    return assigned("specialty"), concept("specialty", "_baseUrl_/STU3/CodeSystem/SPECIALTY", code)


def asking(worklist: str, *filters: Json) -> dict[str, Any]:
    """Return the keyword arguments of A008 for a client's `post`."""
    return posted(ADDRESS, parameters_of("FetchWorklist", [list_type(worklist), *filters]))


async def fetched(client: httpx.AsyncClient, worklist: str, *filters: Json) -> Json:
    """Fetch a worklist; the call must succeed."""
    reply = await client.post(**asking(worklist, *filters))
    assert reply.status_code == 200, reply.text
    return dict[str, Any](reply.json())


def members(fetched: Json) -> list[str]:
    """Return the UBRNs in order."""
    return [each["item"]["reference"].removeprefix("ReferralRequest/") for each in fetched.get("entry", [])]


def columns(fetched: Json, ubrn: str) -> Json:
    """Return the columns of one entry by name, with codes and references shortened."""
    (entry,) = (each for each in fetched["entry"] if each["item"]["reference"].endswith(ubrn))
    (row,) = entry["extension"]
    return {each["url"]: _value(each) for each in row["extension"]}


def _value(column: Json) -> Any:
    (kind,) = (each for each in column if each.startswith("value"))
    value = column[kind]
    if kind == "valueCodeableConcept":
        (coding,) = value["coding"]
        return (coding["system"].rpartition("/")[2], coding["code"], coding.get("display"))
    if kind == "valueReference":
        return value.get("reference") or value["identifier"]["value"]
    return (kind, value)
