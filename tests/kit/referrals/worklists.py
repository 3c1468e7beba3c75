"""How tests ask for worklists, and what they read in one."""

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
    """A parameter that is a code."""
    return {"name": name, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def list_type(code: str) -> Json:
    """Which list."""
    return concept("listType", f"{CS}eRS-ReferralListSelector-1", code)


def assigned(what: str, code: str = "ASSIGNED") -> Json:
    """Whether there is a specialty or a clinician."""
    return concept(f"{what}AssignedIndicator", f"{CS}eRS-AssignedIndicator-1", code)


def of_service(service: str) -> Json:
    """Only what this service holds."""
    return identifier("service", ERS_SERVICE, service)


def at_location(location: str) -> Json:
    """Only what is held there."""
    return identifier("location", DIRECTORY, location)


def of_clinician(user: str) -> tuple[Json, Json]:
    """Only what is this clinician's."""
    return assigned("clinician"), identifier("clinician", SDS_USER, user)


def of_specialty(code: str) -> tuple[Json, Json]:
    """Only what is of this specialty."""
    return assigned("specialty"), concept("specialty", "_baseUrl_/STU3/CodeSystem/SPECIALTY", code)


def asking(worklist: str, *filters: Json) -> dict[str, Any]:
    """Keyword arguments for a client's `post`."""
    return posted(ADDRESS, parameters_of("FetchWorklist", [list_type(worklist), *filters]))


async def fetched(client: httpx.AsyncClient, worklist: str, *filters: Json) -> Json:
    """The list; the call must succeed."""
    reply = await client.post(**asking(worklist, *filters))
    assert reply.status_code == 200, reply.text
    return dict[str, Any](reply.json())


def members(fetched: Json) -> list[str]:
    """The UBRNs in order."""
    return [each["item"]["reference"].removeprefix("ReferralRequest/") for each in fetched.get("entry", [])]


def columns(fetched: Json, ubrn: str) -> Json:
    """What the list says of one: values by column, codes and references shortened to what they name."""
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
