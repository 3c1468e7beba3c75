"""The appointment of a referral: contained in it (A005), or as a resource of its own (A016, A034, A038).

Elements stand in the order of A005, A016 and A038; other published replies differ among themselves.
Source: rules chapters 3.2, 9 (row 1) and 12.
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
"""The id of an appointment that has none of its own: contained ones, and those that are asked for."""
DESCRIPTION: Final = "e-Referral Appointment"
"""The one legal description."""
CONSULTANT: Final = "CON"
"""The type of a clinician who takes part."""

OUTCOME_DISPLAYS: Final[dict[ReviewOutcome, str]] = {
    ReviewOutcome.ACCEPT_REFER_BOOK_LATER: "Accept Refer Book Later",
    ReviewOutcome.CANCEL_APPOINTMENT_ACTION_LATER: "Cancel Appointment Action Later",
    ReviewOutcome.RETURN_TO_REFERRER_WITH_ADVICE: "Return to Referrer With Advice",
    ReviewOutcome.PROVIDER_CONVERTED_ADVICE_AND_GUIDANCE_ADMIN_TO_REFER: (
        "Provider Converted Advice and Guidance, Admin to Refer"
    ),
}
"""What resources call the outcome of a review."""

_PROFILE: Final[JsonValue] = list(PROFILES)
# One object whose system is a value set: FHIR wants an array and a code system, the service has neither (rules 9.1).
_CLINICIAN_TYPE: Final[Json] = {"coding": [coded(PARTICIPANT_TYPE, CONSULTANT)]}


def write_appointment(stored: Stored[Referral], base: str) -> bytes:
    """The appointment of the stored referral, which must hold one, for the service that is reached at `base`."""
    return encode(appointment_of(stored, base))


def appointment_of(stored: Stored[Referral], base: str) -> Json:
    """The same as values, for replies that hold more than it."""
    appointment = stored.value.appointment
    if appointment is None:
        raise ValueError("the referral holds no appointment")
    return _resource(appointment, appointment.id, stored, base)


def contained_appointment(appointment: Appointment, stored: Stored[Referral], base: str) -> Json:
    """The appointment as it is contained in the stored referral.

    One that was cancelled with its referral does not say why: the referral does (rules 11.2 row 33).
    """
    shown = _resource(appointment, CONTAINED, stored, base)
    cancellation = stored.value.cancellation
    if cancellation is not None and cancellation.with_booking:
        shown.pop("reason", None)
        shown.pop("comment", None)
    return shown


def reason_of(reason: Reason, base: str) -> Json:
    """The coding that says why."""
    match reason:
        case ReviewCause():
            return coded(REVIEW_REASON, reason.code)
        case ReviewResult():
            return coded(REVIEW_OUTCOME, reason.code, OUTCOME_DISPLAYS[reason.code])
        case _:
            return coded(System(published(reason.system).url(base)), reason.code, reason.display)


def _resource(appointment: Appointment, id: str, stored: Stored[Referral], base: str) -> Json:
    """The appointment under `id`; it quotes the referral at its present version."""
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
    """Service, patient, and the clinician if one was booked."""
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
