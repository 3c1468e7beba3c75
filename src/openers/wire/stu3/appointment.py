"""The appointment of a referral, as it is contained in it. Source: rules chapters 3.2 and 12."""

from __future__ import annotations

from typing import Final

from openers.domain.appointment import Appointment
from openers.domain.referral import Referral
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue
from openers.wire.stu3.systems import ERS_SERVICE, NHS_NUMBER, REVIEW_REASON, coded, identified, profile

_PROFILE: Final[JsonValue] = [
    profile("Appointment"),
    "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Appointment-1",
]


def appointment_of(appointment: Appointment, referral: Referral, referral_version: int) -> Json:
    """The appointment within `referral`, which it refers back to at its present version."""
    shown: Json = {
        "id": "appointment",
        "meta": {"versionId": str(appointment.version), "profile": _PROFILE},
        "language": "en",
        "resourceType": "Appointment",
        "status": appointment.status,
        "description": "e-Referral Appointment",
        "created": write_instant(appointment.created),
    }
    if appointment.reason is not None:
        shown["reason"] = [{"coding": [coded(REVIEW_REASON, appointment.reason)]}]
    shown["incomingReferral"] = [{"reference": f"ReferralRequest/{referral.ubrn}/_history/{referral_version}"}]
    service: JsonValue = {
        "identifier": identified(ERS_SERVICE, appointment.service.id),
        "display": appointment.service.name,
    }
    patient: JsonValue = {"identifier": identified(NHS_NUMBER, referral.patient)}
    shown["participant"] = [{"actor": service, "status": "accepted"}, {"actor": patient, "status": "accepted"}]
    return shown
