"""An appointment that a caller sends: booking, triage and deferral (A016), cancellation (A034).

This module checks only the form; the use cases check the rules. Callers may send back the version, the date of creation
and names that they have read; the service ignores them. Source: rules chapters 4 (A016, A034), 9 (row 1) and 12.
"""

from __future__ import annotations

import re
from typing import Final

from openers.domain.appointment import CancellationReason, ReviewCause
from openers.domain.clock import Instant
from openers.domain.codes import ReviewReason
from openers.domain.identifiers import NhsNumber, ServiceId, SlotId, Ubrn, UserId
from openers.usecases.ports.appointment_request import AppointmentRequest, WantedStatus
from openers.wire.json import (
    BadCode,
    BadStructure,
    BadValue,
    Json,
    JsonValue,
    MissingField,
    UnexpectedField,
    array,
    element,
    fixed,
    join,
    needed,
    resource,
    text,
)
from openers.wire.stu3.booking.appointment import CONSULTANT, DESCRIPTION, PROFILES
from openers.wire.stu3.kinds import CODING, coding, identifier, instant, open_coding, string
from openers.wire.stu3.systems import (
    APPOINTMENT_CANCELLATION,
    ERS_SERVICE,
    NHS_NUMBER,
    PARTICIPANT_TYPE,
    REVIEW_REASON,
    SDS_USER,
)

LONGEST_COMMENT: Final = 1000
"""Maximum length of a comment, in characters."""

_STATUSES: Final = {status.value: status for status in WantedStatus}
_SERVICE: Final = identifier(ERS_SERVICE, ServiceId)
_PATIENT: Final = identifier(NHS_NUMBER, NhsNumber)
_CLINICIAN: Final = identifier(SDS_USER, UserId)
_REVIEW: Final = coding(REVIEW_REASON, ReviewReason)
_CANCELLATION: Final = open_coding(APPOINTMENT_CANCELLATION, str)
_TYPE: Final = open_coding(PARTICIPANT_TYPE, str)
_INSTANT: Final = instant()
_COMMENT: Final = string(str, LONGEST_COMMENT)
REFERRAL: Final = re.compile(r"^ReferralRequest/([0-9]{12})/_history/([0-9]{1,9})$", re.ASCII)
"""A reference to a referral: UBRN and version."""
SLOT: Final = re.compile(r"^Slot/([1-9][0-9]{0,17})$", re.ASCII)
"""A reference to a slot."""

_APPOINTMENT: Final = frozenset(
    {
        *("resourceType", "id", "meta", "language", "status", "reason", "description", "start", "end", "slot"),
        *("created", "comment", "incomingReferral", "participant"),
    }
)
_CONCEPT: Final = frozenset({"id", "coding"})
_REFERENCE: Final = frozenset({"id", "reference", "display"})
_PARTICIPANT: Final = frozenset({"id", "type", "actor", "status"})
_ACTOR: Final = frozenset({"id", "identifier", "display"})


def read_appointment(node: JsonValue) -> AppointmentRequest:
    """Return the request in the appointment `node`. Raises the classes of `Unreadable`."""
    body = resource(node, "", "Appointment", _APPOINTMENT, *PROFILES)
    fixed(body, "description", "", DESCRIPTION)
    if "created" in body:
        text(body["created"], "created")
    ubrn, version = _referral(body)
    service, patient, clinician = _participants(body)
    return AppointmentRequest(
        id=text(needed(body, "id", ""), "id"),
        status=_status(body),
        ubrn=ubrn,
        referral_version=version,
        service=service,
        patient=patient,
        clinician=clinician,
        slot=_slot(body),
        start=_instant(body, "start"),
        end=_instant(body, "end"),
        comment=_COMMENT.read(body["comment"], "comment") if "comment" in body else None,
        reason=_reason(body),
    )


def _status(body: Json) -> WantedStatus:
    status = text(needed(body, "status", ""), "status")
    found = _STATUSES.get(status)
    if found is None:
        raise BadCode("status", status, f"must be one of {', '.join(_STATUSES)}")
    return found


def _instant(body: Json, key: str) -> Instant | None:
    return _INSTANT.read(body[key], key) if key in body else None


def _reason(body: Json) -> ReviewCause | CancellationReason | None:
    """Return the reason, if given: one coding of one of two systems."""
    if "reason" not in body:
        return None
    value, path = _concept(_only(body["reason"], "reason"), "reason[0]")
    node = element(value, path, CODING)
    system = text(needed(node, "system", path), join(path, "system"))
    if REVIEW_REASON.matches(system):
        return ReviewCause(_REVIEW.read(node, path))
    if APPOINTMENT_CANCELLATION.matches(system):
        return CancellationReason(_CANCELLATION.read(node, path))
    raise BadValue(join(path, "system"), system, f"must be {REVIEW_REASON} or {APPOINTMENT_CANCELLATION}")


def _referral(body: Json) -> tuple[Ubrn, int]:
    """Return the UBRN and the version that the caller has read."""
    listed = array(needed(body, "incomingReferral", ""), "incomingReferral")
    if not listed:
        raise MissingField("", "incomingReferral", "is missing.")
    found = _referred(_only(listed, "incomingReferral"), "incomingReferral[0]", REFERRAL)
    return Ubrn(found[1]), int(found[2])


def _slot(body: Json) -> SlotId | None:
    """Return the slot, if one is given."""
    listed = array(body.get("slot", []), "slot")
    return SlotId(_referred(_only(listed, "slot"), "slot[0]", SLOT)[1]) if listed else None


def _participants(body: Json) -> tuple[ServiceId, NhsNumber, UserId | None]:
    """Return the participants: the service, the patient, and a clinician if given."""
    service: ServiceId | None = None
    patient: NhsNumber | None = None
    clinician: UserId | None = None
    seen: set[str] = set()
    for index, each in enumerate(array(needed(body, "participant", ""), "participant")):
        path = f"participant[{index}]"
        node = element(each, path, _PARTICIPANT)
        fixed(node, "status", path, "accepted")
        who, at, system = _actor(node, path)
        if system in seen:
            raise BadStructure(path, system, "is allowed once")
        seen.add(system)
        if ERS_SERVICE.matches(system):
            service = _SERVICE.read(who, at)
        elif NHS_NUMBER.matches(system):
            patient = _PATIENT.read(who, at)
        elif SDS_USER.matches(system):
            clinician = _CLINICIAN.read(who, at)
        else:
            raise BadValue(join(at, "system"), system, f"must be {ERS_SERVICE}, {NHS_NUMBER} or {SDS_USER}")
        _check_type(node, path, clinical=SDS_USER.matches(system))
    if service is None:
        raise MissingField("participant", "service", "is missing.")
    if patient is None:
        raise MissingField("participant", "patient", "is missing.")
    return service, patient, clinician


def _actor(participant: Json, path: str) -> tuple[JsonValue, str, str]:
    """Return the identifier of a participant's actor, its place, and its system."""
    at = join(path, "actor")
    actor = element(needed(participant, "actor", path), at, _ACTOR)
    at, node = join(at, "identifier"), needed(actor, "identifier", at)
    if not isinstance(node, dict):
        raise BadStructure(at, None, "must be an object")
    return node, at, text(needed(node, "system", at), join(at, "system"))


def _check_type(participant: Json, path: str, *, clinical: bool) -> None:
    """Check that a clinician has a type and that no other participant has one.

    Both the service's own object and FHIR's array of one are accepted.
    """
    at = join(path, "type")
    if not clinical:
        if "type" in participant:
            raise UnexpectedField(at, None, "is only allowed for a clinician")
        return
    node = needed(participant, "type", path)
    if isinstance(node, list):
        node, at = _only(node, at), f"{at}[0]"
    value, at = _concept(node, at)
    code = _TYPE.read(value, at)
    if code != CONSULTANT:
        raise BadCode(join(at, "code"), code, f"must be {CONSULTANT}")


def _concept(node: JsonValue, path: str) -> tuple[JsonValue, str]:
    """Return the only coding of a concept, and its place."""
    at = join(path, "coding")
    return _only(needed(element(node, path, _CONCEPT), "coding", path), at), f"{at}[0]"


def _only(node: JsonValue, path: str) -> JsonValue:
    """Return the only member of an array."""
    members = array(node, path)
    if not members:
        raise BadStructure(path, None, "must not be empty")
    if len(members) > 1:
        raise BadStructure(f"{path}[1]", None, "is allowed once")
    return members[0]


def _referred(node: JsonValue, path: str, form: re.Pattern[str]) -> re.Match[str]:
    """Return the match of the reference in `node` with `form`."""
    at = join(path, "reference")
    reference = text(needed(element(node, path, _REFERENCE), "reference", path), at)
    found = form.fullmatch(reference)
    if found is None:
        raise BadValue(at, reference, f"must be {_FORMS[form]}")
    return found


_FORMS: Final = {REFERRAL: "ReferralRequest/{UBRN}/_history/{version}", SLOT: "Slot/{id}"}
