"""Appointments as requests: a booking, a deferral, and a cancellation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from openers_client import fhir
from openers_client.fhir import Json
from openers_client.records.booking import Appointment, Slot
from openers_client.records.referral import Referral


@dataclass(frozen=True, kw_only=True)
class Deferral:
    """A referral goes to a provider without a booking (A016).

    `reason` is NO_SLOTS_AT_SERVICE, SLOT_NOT_AVAILABLE, BOOKING_ATTEMPT_PROBLEM or TRIAGE. Only SLOT_NOT_AVAILABLE
    names the `slot`.
    """

    service: str
    reason: str
    comment: str | None = None
    clinician: str | None = None
    slot: Slot | None = None


def booking(referral: Referral, slot: Slot, comment: str | None) -> Json:
    """Return the body of A016 that books a slot."""
    people = _participants(slot.service or "", referral.patient or "", slot.clinician)
    return _appointment(referral, "booked", _times(slot), people) | _comment(comment)


def deferral(referral: Referral, wanted: Deferral) -> Json:
    """Return the body of A016 that defers a referral or sends it for triage."""
    reason = {"coding": [{"system": f"{fhir.CODES}eRS-ReviewReason-1", "code": wanted.reason}]}
    times = {} if wanted.slot is None else _times(wanted.slot)
    people = _participants(wanted.service, referral.patient or "", wanted.clinician)
    return _appointment(referral, "proposed", {"reason": [reason], **times}, people) | _comment(wanted.comment)


def cancellation(appointment: Appointment, reason: str, comment: str | None) -> Json:
    """Return the body of A034; `reason` is a code of APPOINTMENT-CANCELLATION-REASON."""
    coded = {"system": "_baseUrl_/STU3/CodeSystem/APPOINTMENT-CANCELLATION-REASON", "code": reason}
    return {**appointment.resource, "status": "cancelled", "reason": [{"coding": [coded]}]} | _comment(comment)


def _appointment(referral: Referral, status: str, more: Json, participants: Sequence[Json]) -> Json:
    return {
        "resourceType": "Appointment",
        "id": "appointment",
        "meta": {
            "profile": [
                f"{fhir.PROFILES}eRS-Appointment-1",
                "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1",
            ]
        },
        "language": "en",
        "status": status,
        "description": "e-Referral Appointment",
        "incomingReferral": [{"reference": f"ReferralRequest/{referral.ubrn}/_history/{referral.version}"}],
        **more,
        "participant": list(participants),
    }


def _times(slot: Slot) -> Json:
    resource = slot.resource
    return {
        "start": fhir.text(resource, "start"),
        "end": fhir.text(resource, "end"),
        "slot": [{"reference": f"Slot/{slot.id}"}],
    }


def _participants(service: str, patient: str, clinician: str | None) -> list[Json]:
    actors = [_actor(fhir.ERS_SERVICE, service), _actor(fhir.NHS_NUMBER, patient)]
    if clinician is None:
        return actors
    consultant = {"coding": [{"system": "http://hl7.org/fhir/ValueSet/encounter-participant-type", "code": "CON"}]}
    return [*actors, {"type": [consultant], **_actor(fhir.SDS_USER, clinician)}]


def _actor(system: str, value: str) -> Json:
    return {"actor": {"identifier": {"system": system, "value": value}}, "status": "accepted"}


def _comment(comment: str | None) -> Json:
    return {} if comment is None else {"comment": comment}
