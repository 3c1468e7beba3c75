"""A referral in DSTU2: a ReferralRequest that contains its service, site, files, people and appointment (A005).

Source: ADR 0073, whose table maps each element to today's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from openers.domain.appointment import Appointment, AppointmentStatus
from openers.domain.attachments import Attachment
from openers.domain.identifiers import Ubrn, UserId
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Stored
from openers.wire.dstu2.systems import (
    NHS_NUMBER,
    PRIORITY,
    SDS_USER,
    SERVICE,
    SITE,
    SPECIALTY,
    concept,
    contained,
    extension,
    identified,
    local,
    profile,
    value_set,
)
from openers.wire.instants import write_instant
from openers.wire.json import Json, JsonValue, encode

_APPOINTMENT: Final = "appointment"
_ATTACHED_BY: Final = extension("attachedby-1")
_ATTACHMENT_TYPE: Final = value_set("attachmenttype")
_PARTICIPANT: Final = "http://hl7.org/fhir/ValueSet/encounter-participant-type"
_STATUSES: Final = {
    ReferralState.NOT_BOOKED: "draft",
    ReferralState.REJECTED: "rejected",
    ReferralState.TRIAGE_RESPONSE: "rejected",
    ReferralState.TRIAGED_PROVIDER_TO_ACTION: "accepted",
    ReferralState.ASSESSMENT_RESULT: "completed",
    ReferralState.CANCELLED_REFERRAL: "cancelled",
}
"""Statuses of states; that of the others is active."""
_APPOINTMENT_STATUSES: Final = {AppointmentStatus.ARRIVED: "booked"}
"""Statuses of appointments that the time did not have."""


def write_referral(stored: Stored[Referral], _base: str) -> bytes:
    """Return the stored referral as JSON."""
    referral = stored.value
    shown: Json = {
        "resourceType": "ReferralRequest",
        "id": referral.ubrn,
        "meta": {"versionId": str(stored.version), "profile": [profile("referralrequest-1")]},
        "contained": _contained(referral),
        "extension": _extensions(referral),
        "status": _STATUSES.get(referral.state, "active"),
        "priority": concept(PRIORITY, referral.priority),
        "patient": local("Patient", referral.patient),
        "supportingInformation": _supporting(referral),
    }
    if referral.shown_specialty is not None:
        shown["specialty"] = concept(SPECIALTY, referral.shown_specialty.code, referral.shown_specialty.name)
    return encode({name: value for name, value in shown.items() if value != []})


def write_created(stored: Stored[Referral]) -> bytes:
    """Return what A011 tells of a new referral: as published, no `id`, and one identifier instead of a list."""
    meta: Json = {"versionId": str(stored.version)}
    number: Json = {"value": stored.value.ubrn}
    return encode({"resourceType": "ReferralRequest", "meta": meta, "identifier": number})


def internal_id(ubrn: Ubrn) -> str:
    """Return the number of a referral in addresses of its files: its UBRN without leading zeros."""
    return str(int(ubrn))


def file_address(ubrn: Ubrn, attachment: Attachment) -> str:
    """Return the id of a file in its address, which the referral and the file share."""
    return f"att-{internal_id(ubrn)}-{attachment.id}"


def practitioner(user: UserId) -> Json:
    """Return a clinician as a contained resource."""
    return contained("Practitioner", user, {"identifier": [identified(SDS_USER, user)]})


def patient(number: str) -> Json:
    """Return a patient as a contained resource."""
    return contained("Patient", number, {"identifier": [identified(NHS_NUMBER, number)]})


def _contained(referral: Referral) -> list[JsonValue]:
    appointment = referral.appointment
    shown: list[JsonValue] = []
    if appointment is not None:
        shown += [*_service(appointment), _appointment(appointment)]
    shown += [_document(each, referral.ubrn) for each in referral.attachments]
    shown += [practitioner(each) for each in _clinicians(referral)]
    shown.append(patient(referral.patient))
    return shown


def _clinicians(referral: Referral) -> Iterable[UserId]:
    """Return the people to whom files and the appointment refer, each once."""
    allocated = None if referral.appointment is None else referral.appointment.clinician
    named = (*(each.by for each in referral.attachments), allocated)
    return dict.fromkeys(each for each in named if each is not None)


def _extensions(referral: Referral) -> list[JsonValue]:
    information = referral.clinical_information
    shown: list[JsonValue] = []
    if referral.appointment is not None:
        shown.append({"url": extension("appointment-1"), "valueReference": {"reference": f"#{_APPOINTMENT}"}})
    moments = (
        ("clinicalinfofirstsubmitted-1", information.first_submitted),
        ("clinicalinfolastupdated-1", information.last_updated),
    )
    return shown + [
        {"url": extension(name), "valueDateTime": write_instant(at)} for name, at in moments if at is not None
    ]


def _service(appointment: Appointment) -> list[JsonValue]:
    """Return the service and its site. As published, an identifier is one object."""
    service = appointment.service
    shown: Json = {"serviceName": service.name, "identifier": identified(SERVICE, service.id)}
    if appointment.site is None:
        return [contained("HealthcareService", service.id, shown)]
    shown["location"] = local("Location", appointment.site)
    site: Json = {"identifier": identified(SITE, appointment.site)}
    return [contained("HealthcareService", service.id, shown), contained("Location", appointment.site, site)]


def _appointment(appointment: Appointment) -> Json:
    """Return the appointment. As published, the type of a participant is one object."""
    service = appointment.service
    participants: list[JsonValue] = [
        {"actor": {**local("HealthcareService", service.id), "display": service.name}, "status": "accepted"}
    ]
    if appointment.clinician is not None:
        participants.append(
            {
                "type": concept(_PARTICIPANT, "CON"),
                "actor": local("Practitioner", appointment.clinician),
                "status": "accepted",
            }
        )
    shown: Json = {
        "resourceType": "Appointment",
        "id": _APPOINTMENT,
        "meta": {"profile": [profile("appointment-1")]},
        "status": _APPOINTMENT_STATUSES.get(appointment.status, appointment.status),
    }
    times = (("start", appointment.start), ("end", appointment.end))
    return {**shown, **{name: write_instant(at) for name, at in times if at is not None}, "participant": participants}


def _document(attachment: Attachment, ubrn: Ubrn) -> Json:
    file: Json = {
        "id": attachment.id,
        "extension": [{"url": _ATTACHED_BY, "valueReference": local("Practitioner", attachment.by)}],
        "contentType": attachment.media_type,
        "url": f"Binary/{file_address(ubrn, attachment)}",
        "size": attachment.size,
        "title": attachment.name,
        "creation": attachment.created.isoformat(),
    }
    shown: Json = {
        "type": concept(_ATTACHMENT_TYPE, attachment.type),
        "status": "current",
        "indexed": write_instant(attachment.indexed),
        "description": attachment.description or "",
        "content": [{"attachment": file}],
    }
    return contained("DocumentReference", attachment.id, shown)


def _supporting(referral: Referral) -> list[JsonValue]:
    files: Sequence[JsonValue] = [local("DocumentReference", each.id) for each in referral.attachments]
    return [*files, *({"reference": f"ReferralRequest/{ubrn}"} for ubrn in referral.related)]
