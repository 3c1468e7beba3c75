"""The appointment of a referral in FHIR: contained in the referral (A005), or separate (A016, A034, A038).

Elements are in the order of A005, A016 and A038; other published replies differ from each other. Source: rules chapters
3.2, 9 (row 1) and 12.
"""

from __future__ import annotations

from typing import Final

from openers.domain.appointment import Appointment, Reason, ReviewCause, ReviewResult
from openers.domain.codes import ReviewOutcome
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Stored
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode
from openers.wire.stu3.systems import (
    ERS_SERVICE,
    NHS_NUMBER,
    PARTICIPANT_TYPE,
    REVIEW_OUTCOME,
    REVIEW_REASON,
    SDS_USER,
    System,
    coded,
    identified,
    profile,
    published,
)

PROFILES: Final = (profile("Appointment"), "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1")
"""The profiles that every appointment claims."""
CONTAINED: Final = "appointment"
"""The id of contained appointments, which have no id of their own, and of requested ones."""
DESCRIPTION: Final = "e-Referral Appointment"
"""The only permitted description."""
CONSULTANT: Final = "CON"
"""The participant type of a clinician."""

OUTCOME_DISPLAYS: Final[dict[ReviewOutcome, str]] = {
    ReviewOutcome.ACCEPT_REFER_BOOK_LATER: "Accept Refer Book Later",
    ReviewOutcome.CANCEL_APPOINTMENT_ACTION_LATER: "Cancel Appointment Action Later",
    ReviewOutcome.RETURN_TO_REFERRER_WITH_ADVICE: "Return to Referrer With Advice",
    ReviewOutcome.PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER: (
        "Provider Converted Advice and Guidance, Admin to Refer"
    ),
}
"""The display text of each review outcome."""

_PROFILE: Final[JsonValue] = list(PROFILES)
# An object with a value set as system, where FHIR requires an array and a code system (rules 9.1).
_CLINICIAN_TYPE: Final[Json] = {"coding": [coded(PARTICIPANT_TYPE, CONSULTANT)]}


def write_appointment(stored: Stored[Referral], base: str) -> bytes:
    """Return the appointment of the stored referral as JSON, for the service at `base`. The referral must have one."""
    return encode(appointment_of(stored, base))


def appointment_of(stored: Stored[Referral], base: str) -> Json:
    """Return the appointment as values, for replies that contain more resources."""
    appointment = stored.value.appointment
    if appointment is None:
        raise ValueError("the referral has no appointment")
    return _resource(appointment, appointment.id, stored, base)


def contained_appointment(appointment: Appointment, stored: Stored[Referral], base: str) -> Json:
    """Return the appointment as the stored referral contains it.

    If it was cancelled together with its referral, it has no reason; the referral has it (rules 11.2 row 33).
    """
    shown = _resource(appointment, CONTAINED, stored, base)
    cancellation = stored.value.cancellation
    if cancellation is not None and cancellation.with_booking:
        shown.pop("reason", None)
        shown.pop("comment", None)
    return shown


def reason_of(reason: Reason, base: str) -> Json:
    """Return the coding of the reason."""
    match reason:
        case ReviewCause():
            return coded(REVIEW_REASON, reason.code)
        case ReviewResult():
            return coded(REVIEW_OUTCOME, reason.code, OUTCOME_DISPLAYS[reason.code])
        case _:
            return coded(System(published(reason.system).url(base)), reason.code, reason.display)


def _resource(appointment: Appointment, id: str, stored: Stored[Referral], base: str) -> Json:
    """Return the appointment under `id`; it refers to the referral at its current version."""
    shown: Json = {
        "id": id,
        "meta": {"versionId": str(appointment.version), "profile": _PROFILE},
        "language": "en",
        "resourceType": "Appointment",
        "status": appointment.status,
    }
    if appointment.reason is not None:
        shown["reason"] = [{"coding": [reason_of(appointment.reason, base)]}]
    shown["description"] = DESCRIPTION
    if appointment.start is not None:
        shown["start"] = write_instant(appointment.start)
    if appointment.end is not None:
        shown["end"] = write_instant(appointment.end)
    if appointment.slot is not None:
        shown["slot"] = [{"reference": f"Slot/{appointment.slot}"}]
    shown["created"] = write_instant(appointment.created)
    if appointment.comment is not None:
        shown["comment"] = appointment.comment
    referral = stored.value
    shown["incomingReferral"] = [{"reference": f"ReferralRequest/{referral.ubrn}/_history/{stored.version}"}]
    shown["participant"] = _participants(appointment, referral)
    return shown


def _participants(appointment: Appointment, referral: Referral) -> list[JsonValue]:
    """Return the service, the patient, and the clinician if one was booked."""
    service = appointment.service
    actors: list[JsonValue] = [
        {"identifier": identified(ERS_SERVICE, service.id), "display": service.name},
        {"identifier": identified(NHS_NUMBER, referral.patient)},
    ]
    shown: list[JsonValue] = [{"actor": actor, "status": "accepted"} for actor in actors]
    if appointment.clinician is not None:
        actor: Json = {"identifier": identified(SDS_USER, appointment.clinician)}
        shown.append({"type": _CLINICIAN_TYPE, "actor": actor, "status": "accepted"})
    return shown
