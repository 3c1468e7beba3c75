"""The request bodies of acts on referrals, and the parts of a referral that tests compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from tests.kit.referrals.rig import SERVICE, Json
from tests.kit.service.requests import CS, HEADERS, SD, coding, parameters_of, shortlist

TRIAGE: Final = "11004"
BY_TELEPHONE: Final = "11009"
ASSESSING: Final = "11003"
PATHS: Final = {
    "A012": "maintainReferralLetter",
    "A013": "acceptReferral",
    "A014": "rejectReferral",
    "A022": "cancelAppointmentActionLater",
    "A028": "recordReviewOutcome",
    "A031": "changeShortlist",
    "A032": "changeShortlistAndSendForTriage",
    "A036": "cancelReferral",
}
PROFILES: Final = {
    "A012": "MaintainReferralLetter",
    "A014": "RejectReferral",
    "A022": "cancelAppointmentActionLater",
    "A028": "RecordReviewOutcome",
    "A031": "ChangeShortlist",
    "A032": "ChangeShortlistAndSendForTriage-Request",
    "A036": "CancelReferral-Request",
}
NO_LETTER: Final = coding("intentionToAddReferralLetter", "ReferralLetterIntention", "NOT_INTENDING_TO_ADD")
LETTER: Final = coding("intentionToAddReferralLetter", "ReferralLetterIntention", "NEED_TO_ADD_LATER")
AT_ONCE: Final[Json] = {"name": "firstReminderLetterFollowUpDays", "valueUnsignedInt": 0}


def said(name: str, words: str) -> Json:
    """Return a text parameter."""
    return {"name": name, "valueString": words}


def as_read(referral: Json) -> Json:
    """Return a referral from a reply as A005 shows it: without `commissioningProvisioning` in its criteria."""

    def _shown(resource: Json) -> Json:
        if resource["resourceType"] != "Parameters":
            return resource
        kept = [each for each in resource["parameter"] if each["name"] != "commissioningProvisioning"]
        return {**resource, "parameter": kept}

    return {**referral, "contained": [_shown(each) for each in referral["contained"]]}


def flag(told: bool) -> Json:
    """Return the parameter that says whether the provider cancelled a telephone booking in its PAS."""
    return {"name": "appointmentCancelledInPAS", "valueBoolean": told}


def rejecting(code: str = "SERVICE_INAPPROPRIATE") -> Json:
    """Return the rejection reason of A014."""
    return coding("rejectionReason", "_baseUrl_/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON", code)


def outcome(code: str = "RETURN_TO_REFERRER_WITH_ADVICE") -> Json:
    """Return the outcome of A028."""
    return coding("reviewOutcome", "ReviewOutcome", code)


def priority(code: str, name: str = "reviewPriority") -> Json:
    """Return a new priority."""
    return coding(name, "Priority", code)


def cancelling(code: str = "INTEND_PRIVATE") -> Json:
    """Return the cancellation reason of A036."""
    return coding("cancellationReason", "_baseUrl_/STU3/CodeSystem/REFERRAL-CANCELLATION-REASON", code)


def document(name: str, file: str, kind: str = "PROVIDER", description: str | None = None) -> Json:
    """Return a parameter that names a file."""
    resource: Json = {
        "resourceType": "DocumentReference",
        "meta": {"profile": [f"{SD}eRS-DocumentReference-1"]},
        "type": {"coding": [{"system": f"{CS}eRS-AttachmentType-1", "code": kind}]},
        "status": "current",
        "indexed": "2030-01-31T09:30:00.000Z",
        "content": [{"attachment": {"url": file}}],
    }
    return {"name": name, "resource": resource | ({} if description is None else {"description": description})}


ADVICE: Final = (outcome(), said("reviewComments", "Please watch."))
ACCEPTED: Final = (
    outcome("ACCEPT_REFER_BOOK_LATER"),
    said("reviewComments", "Soon."),
    priority("TWO_WEEK_WAIT"),
)
LATER: Final = (said("comments", "Ring the patient."),)
VALID: Final[Mapping[str, tuple[Json, ...]]] = {
    "A012": (document("referralLetterFile", "Binary/00000000-0000-4000-8000-000000000000", "REFERRER"),),
    "A013": (),
    "A014": (rejecting(),),
    "A022": LATER,
    "A028": ADVICE,
    "A031": (shortlist(SERVICE), NO_LETTER, AT_ONCE),
    "A032": (shortlist(TRIAGE), NO_LETTER, AT_ONCE),
    "A036": (cancelling(),),
}
"""A valid body of each operation, for a booking that was made through the service."""


def request_of(number: str, referral: Json, *parameters: Json, tag: str | None = None) -> dict[str, Any]:
    """Return keyword arguments for a client's `post`, to call an operation on a referral.

    If-Match holds the version of `referral`, unless `tag` is given.
    """
    version = f'W/"{referral["meta"]["versionId"]}"' if tag is None else tag
    headers = {"If-Match": version} if version else {}
    asked: dict[str, Any] = {"url": f"/STU3/ReferralRequest/{referral['id']}/$ers.{PATHS[number]}"}
    if number in PROFILES:
        asked["json"] = parameters_of(PROFILES[number], list(parameters))
        headers |= HEADERS
    return {**asked, "headers": headers}


async def uploaded(
    client: httpx.AsyncClient, ubrn: str | None, name: str, content: bytes = b"Dear colleague", kind: str = "text/plain"
) -> str:
    """Upload a new file (A020); return its address. If `ubrn` is given, the file is for that referral."""
    headers = {"Content-Type": kind, "NHSD-eRS-File-Name": name}
    meant_for = {} if ubrn is None else {"NHSD-eRS-Referral-ID": ubrn}
    reply = await client.post("/STU3/Binary", content=content, headers=headers | meant_for)
    assert reply.status_code == 201, reply.text
    return str(reply.headers["location"])


def state_of(referral: Json) -> tuple[str, str | None, str | None]:
    """Return the state, reason and comments of a referral."""
    (extension,) = (each for each in referral["extension"] if each["url"].endswith("ReferralState-1"))
    told = {each["url"]: each for each in extension["extension"]}
    reason = told.get("reason", {}).get("valueCoding", {}).get("code")
    return told["state"]["valueCoding"]["code"], reason, told.get("comments", {}).get("valueString")


def appointment_of(referral: Json) -> Json | None:
    """Return the appointment that a referral contains."""
    return next((each for each in referral["contained"] if each["resourceType"] == "Appointment"), None)
