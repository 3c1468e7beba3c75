"""The FHIR R4 resources of the contract: reading and writing.

Source: docs/reference/pas-contract.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from openers_testpas.hospital import model, reasons
from openers_testpas.hospital.clinics import Clinic
from openers_testpas.hospital.clock import as_instant, as_number

MEDIA_TYPE: Final = "application/fhir+json"
BOOKING_KEY: Final = "https://openers.example/Id/booking-key"
UBRN: Final = "https://fhir.nhs.uk/Id/UBRN"
USRN: Final = "https://fhir.nhs.uk/Id/alternative-slot"
NHS_NUMBER: Final = "https://fhir.nhs.uk/Id/nhs-number"
SERVICE: Final = "http://fhir.nhs.net/Id/ers-service"
CLINICIAN: Final = "http://fhir.nhs.net/Id/sds-user-id"
PRIORITY: Final = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-Priority-1"

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Element(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of all elements: names as in FHIR; absent values are not written."""


class Identifier(Element, frozen=True, kw_only=True):
    """An id and its system."""

    system: Text
    value: Text


class Coding(Element, frozen=True, kw_only=True):
    """A code."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Element, frozen=True, kw_only=True):
    """A code, in one or more systems."""

    coding: tuple[Coding, ...] = ()


class Reference(Element, frozen=True, kw_only=True):
    """A reference to a resource, by address or by identifier."""

    reference: str | None = None
    identifier: Identifier | None = None


class Meta(Element, frozen=True, kw_only=True):
    """Version and last update of a resource."""

    version_id: str | None = None
    last_updated: Instant | None = None


class Participant(Element, frozen=True, kw_only=True):
    """A participant."""

    actor: Reference
    status: str


class Appointment(Element, frozen=True, kw_only=True, tag_field="resourceType", tag="Appointment"):
    """An appointment."""

    id: str | None = None
    meta: Meta | None = None
    identifier: tuple[Identifier, ...] = ()
    status: Text
    cancelation_reason: CodeableConcept | None = None
    priority: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    start: Instant | None = None
    end: Instant | None = None
    slot: tuple[Reference, ...] = ()
    created: Instant | None = None
    comment: str | None = None
    participant: tuple[Participant, ...] = ()


class Slot(Element, frozen=True, kw_only=True, tag_field="resourceType", tag="Slot"):
    """A slot."""

    id: str
    meta: Meta
    identifier: tuple[Identifier, ...]
    service_type: tuple[CodeableConcept, ...]
    schedule: Reference
    status: str
    start: Instant
    end: Instant


class Schedule(Element, frozen=True, kw_only=True, tag_field="resourceType", tag="Schedule"):
    """A clinic's schedule: the service, and the clinician if it belongs to one."""

    id: str
    actor: tuple[Reference, ...]


class Search(Element, frozen=True, kw_only=True):
    """The reason why an entry is in a Bundle."""

    mode: Literal["match", "include"]


class Entry(Element, frozen=True, kw_only=True):
    """One resource of a Bundle."""

    full_url: str
    resource: Appointment | Slot | Schedule
    search: Search


class Link(Element, frozen=True, kw_only=True):
    """The address of this page or of the next."""

    relation: Literal["self", "next"]
    url: str


class Bundle(Element, frozen=True, kw_only=True, tag_field="resourceType", tag="Bundle"):
    """A search result."""

    type: str
    total: int
    meta: Meta | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[Entry, ...] = ()


class Fault(Element, frozen=True, kw_only=True):
    """One error."""

    severity: str
    code: str
    diagnostics: str


class OperationOutcome(Element, frozen=True, kw_only=True, tag_field="resourceType", tag="OperationOutcome"):
    """Errors of a request."""

    issue: tuple[Fault, ...]


def outcome(code: str, text: str) -> OperationOutcome:
    """Return an OperationOutcome with one issue."""
    return OperationOutcome(issue=(Fault(severity="error", code=code, diagnostics=text),))


def write_slot(slot: model.Slot, clinic: Clinic) -> Slot:
    """Return a slot as a resource."""
    priorities = tuple(
        CodeableConcept(coding=(Coding(system=PRIORITY, code=each.value),)) for each in clinic.priorities
    )
    return Slot(
        id=slot.id,
        meta=Meta(last_updated=as_instant(slot.updated)),
        identifier=(Identifier(system=USRN, value=slot.usrn),),
        service_type=priorities,
        schedule=Reference(reference=f"Schedule/{clinic.id}"),
        status=slot.status.value,
        start=as_instant(slot.start),
        end=as_instant(slot.end),
    )


def write_schedule(clinic: Clinic) -> Schedule:
    """Return a clinic as a Schedule resource."""
    identifiers = [Identifier(system=SERVICE, value=clinic.service)]
    if clinic.clinician is not None:
        identifiers.append(Identifier(system=CLINICIAN, value=clinic.clinician))
    return Schedule(id=clinic.id, actor=tuple(Reference(identifier=each) for each in identifiers))


class AppointmentWriter:
    """Writes appointments, with the address of the service's lists of reasons."""

    def __init__(self, code_systems: str) -> None:
        """Store `code_systems`, the address before the name of a list."""
        self._code_systems = code_systems

    def write(self, held: model.Appointment) -> Appointment:
        """Return an appointment in its present state as a resource."""
        patient = Participant(
            actor=Reference(identifier=Identifier(system=NHS_NUMBER, value=held.nhs_number)), status="accepted"
        )
        return Appointment(
            id=held.id,
            meta=Meta(version_id=str(held.version), last_updated=as_instant(held.updated)),
            identifier=(
                Identifier(system=BOOKING_KEY, value=held.booking_key),
                Identifier(system=UBRN, value=held.ubrn),
            ),
            status=held.status.value,
            cancelation_reason=self._reason(held),
            priority=held.priority,
            start=as_instant(held.start),
            end=as_instant(held.end),
            slot=(Reference(reference=f"Slot/{held.slot}"),),
            created=as_instant(held.created),
            comment=held.comment,
            participant=(patient,),
        )

    def _reason(self, held: model.Appointment) -> CodeableConcept | None:
        if held.reason is None:
            return None
        is_cancelled = held.status is model.Status.CANCELLED
        name = reasons.CANCELLATION if is_cancelled else reasons.NON_ATTENDANCE
        listed = reasons.CANCELLATION_REASONS if is_cancelled else reasons.NON_ATTENDANCE_REASONS
        known = reasons.find_reason(listed, held.reason)
        coding = Coding(
            system=f"{self._code_systems}/{name}", code=held.reason, display=None if known is None else known.display
        )
        return CodeableConcept(coding=(coding,))


def read_booking(sent: Appointment, booking_key: str) -> model.Wanted:
    """Return the booking in an Appointment, requested under a key. Raises Unfit."""
    if sent.status != "booked":
        raise model.Unfit("status must be booked")
    if _identifier(sent.identifier, BOOKING_KEY) != booking_key:
        raise model.Unfit("identifier must have the booking key of If-None-Exist")
    ubrn = _identifier(sent.identifier, UBRN)
    patients = (each.actor.identifier for each in sent.participant if each.status == "accepted")
    nhs_number = _identifier(tuple(each for each in patients if each is not None), NHS_NUMBER)
    if ubrn is None or nhs_number is None:
        raise model.Unfit("identifier must have one UBRN, participant one accepted patient with an NHS number")
    if sent.start is None or sent.end is None or sent.created is None:
        raise model.Unfit("start, end and created are required")
    slot, start, end, created = _slot(sent), as_number(sent.start), as_number(sent.end), as_number(sent.created)
    return model.Wanted(booking_key, slot, start, end, ubrn, nhs_number, sent.priority, created)


def reason_code(sent: Appointment) -> str | None:
    """Return the first code of an Appointment's cancelationReason."""
    concept = sent.cancelation_reason
    return next((each.code for each in concept.coding), None) if concept is not None else None


def _slot(sent: Appointment) -> str:
    if len(sent.slot) == 1 and sent.slot[0].reference is not None:
        kind, _, slot = sent.slot[0].reference.rpartition("/")
        if (kind == "Slot" or kind.endswith("/Slot")) and slot:
            return slot
    raise model.Unfit("slot must have one reference, Slot/<id>")


def _identifier(identifiers: tuple[Identifier, ...], system: str) -> str | None:
    found = [each.value for each in identifiers if each.system == system]
    return found[0] if len(found) == 1 else None
