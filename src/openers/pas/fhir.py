"""The part of FHIR R4 that Patient Administration Systems and the service exchange.

`read_*` parse messages of a PAS and raise `Unreadable` if they break the contract; other elements are ignored.
`write_*` return request bodies. Ids are validated when they are read, so they are safe in addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from openers.domain.booking import PasAppointment, PasBooking
from openers.domain.clock import Instant, in_utc
from openers.domain.codes import Priority
from openers.domain.identifiers import ServiceId, Ubrn, UserId
from openers.domain.slots import PolledSlot

SERVICE: Final = "http://fhir.nhs.net/Id/ers-service"
CLINICIAN: Final = "http://fhir.nhs.net/Id/sds-user-id"
USRN: Final = "https://fhir.nhs.uk/Id/alternative-slot"
UBRN: Final = "https://fhir.nhs.uk/Id/UBRN"
NHS_NUMBER: Final = "https://fhir.nhs.uk/Id/nhs-number"
BOOKING_KEY: Final = "https://openers.example/Id/booking-key"
PRIORITY: Final = "https://fhir.nhs.uk/STU3/CodeSystem/eRS-Priority-1"
LONGEST_ROW_BYTES: Final = 16 * 1024
"""Bytes of a row that is kept as it was sent."""

T = TypeVar("T")

_Id: TypeAlias = Annotated[str, Meta(pattern=r"\A\.*[A-Za-z0-9-][A-Za-z0-9.-]*\Z", max_length=64)]
"""A FHIR id that is safe in a path: it does not consist only of dots."""
_Text: TypeAlias = Annotated[str, Meta(pattern=r"\A[!-~](?:[ -~]*[!-~])?\Z", max_length=100)]
_Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
_Free: TypeAlias = Literal["free", "busy", "busy-unavailable", "busy-tentative", "entered-in-error"]
_Status: TypeAlias = Literal[
    "proposed",
    "pending",
    "booked",
    "arrived",
    "fulfilled",
    "cancelled",
    "noshow",
    "entered-in-error",
    "checked-in",
    "waitlist",
]


class Unreadable(ValueError):
    """A message of a PAS that breaks the contract. The text names the fault, without patient data."""


class _Coding(msgspec.Struct, frozen=True, omit_defaults=True):
    system: str | None = None
    code: _Text | None = None


class _Concept(msgspec.Struct, frozen=True, omit_defaults=True):
    coding: tuple[_Coding, ...] = ()


class _Identifier(msgspec.Struct, frozen=True, omit_defaults=True):
    system: str | None = None
    value: _Text | None = None


class _Reference(msgspec.Struct, frozen=True, omit_defaults=True):
    reference: str | None = None
    identifier: _Identifier | None = None


class _Participant(msgspec.Struct, frozen=True, omit_defaults=True):
    actor: _Reference
    status: str


class _Slot(msgspec.Struct, frozen=True, rename="camel", tag_field="resourceType", tag="Slot"):
    id: _Id
    identifier: tuple[_Identifier, ...]
    schedule: _Reference
    status: _Free
    start: _Moment
    end: _Moment
    service_type: tuple[_Concept, ...] = ()


class _Schedule(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Schedule"):
    id: _Id
    actor: tuple[_Reference, ...]


class _Outcome(msgspec.Struct, frozen=True, tag_field="resourceType", tag="OperationOutcome"):
    """A search set may contain one as a hint to the reader."""


class _Appointment(msgspec.Struct, frozen=True, rename="camel", tag_field="resourceType", tag="Appointment"):
    id: _Id
    status: _Status
    identifier: tuple[_Identifier, ...] = ()
    slot: tuple[_Reference, ...] = ()
    cancelation_reason: _Concept | None = None


class _Booking(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Appointment", kw_only=True):
    status: str
    identifier: tuple[_Identifier, ...]
    slot: tuple[_Reference, ...]
    start: Instant
    end: Instant
    created: Instant
    participant: tuple[_Participant, ...]


class _Cancellation(
    msgspec.Struct,
    frozen=True,
    rename="camel",
    tag_field="resourceType",
    tag="Appointment",
    kw_only=True,
    omit_defaults=True,
):
    id: str
    status: str
    cancelation_reason: _Concept | None = None


class _Link(msgspec.Struct, frozen=True):
    relation: str
    url: str


class _SlotEntry(msgspec.Struct, frozen=True):
    resource: _Slot | _Schedule | _Outcome


class _SlotSet(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Bundle"):
    type: Literal["searchset"]
    entry: tuple[_SlotEntry, ...] = ()
    link: tuple[_Link, ...] = ()


class _AppointmentEntry(msgspec.Struct, frozen=True):
    resource: _Appointment | _Outcome


class _AppointmentSet(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Bundle"):
    type: Literal["searchset"]
    entry: tuple[_AppointmentEntry, ...] = ()


class _SentEntry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw


class _SentSet(msgspec.Struct, frozen=True):
    entry: tuple[_SentEntry, ...] = ()


_sent_set: Final = msgspec.json.Decoder(_SentSet)
_slot_set: Final = msgspec.json.Decoder(_SlotSet)
_appointment: Final = msgspec.json.Decoder(_Appointment)
_appointment_set: Final = msgspec.json.Decoder(_AppointmentSet)
_encode: Final = msgspec.json.Encoder().encode


class SlotPage(msgspec.Struct, frozen=True):
    """One page of a slot query; `next` is the address of the following page, as the PAS sends it."""

    slots: tuple[PolledSlot, ...]
    next: str | None


def read_slot_page(body: bytes, service: ServiceId, kept: int = 0) -> SlotPage:
    """Return a page of the slots of `service`, the first `kept` ones with the row as it was sent.

    Raises Unreadable, also if a slot belongs to another service.
    """
    page = _decoded(_slot_set, body)
    resources = [entry.resource for entry in page.entry]
    schedules = {each.id: each for each in resources if isinstance(each, _Schedule)}
    try:
        clinicians = {id: _clinician(schedule, service) for id, schedule in schedules.items()}
        slots = tuple(_slot(each, clinicians) for each in resources if isinstance(each, _Slot))
    except (ValueError, OverflowError) as error:  # slots contain no patient data
        raise Unreadable(str(error)) from None
    if kept > 0:
        slots = _with_rows(slots, resources, body, kept)
    return SlotPage(slots, next((each.url for each in page.link if each.relation == "next"), None))


def _with_rows(
    slots: tuple[PolledSlot, ...], resources: list[_Slot | _Schedule | _Outcome], body: bytes, kept: int
) -> tuple[PolledSlot, ...]:
    """Return the slots of a page, the first `kept` ones with the row as it was sent, unless it is very long."""
    entries = zip(resources, _decoded(_sent_set, body).entry, strict=True)
    rows = [sent.resource for resource, sent in entries if isinstance(resource, _Slot)][:kept]
    first = [
        msgspec.structs.replace(slot, sent=bytes(row)) if len(memoryview(row)) <= LONGEST_ROW_BYTES else slot
        for slot, row in zip(slots, rows, strict=False)
    ]
    return (*first, *slots[len(first) :])


def read_appointment(body: bytes) -> PasAppointment:
    """Return one appointment: the reply to a booking, or a PAS notification. Raises Unreadable."""
    return _known(_decoded(_appointment, body))


def read_found_appointment(body: bytes) -> PasAppointment | None:
    """Return the only appointment of a search set, if any. Raises Unreadable."""
    resources = [entry.resource for entry in _decoded(_appointment_set, body).entry]
    found = [each for each in resources if isinstance(each, _Appointment)]
    if len(found) > 1:
        raise Unreadable("more than one appointment under one key")
    return _known(found[0]) if found else None


def shows_cancelled(body: bytes, appointment_id: str) -> bool:
    """Return whether the reply to a cancellation confirms it. Raises Unreadable."""
    appointment = _decoded(_appointment, body)
    return (appointment.id, appointment.status) == (appointment_id, "cancelled")


def write_booking(booking: PasBooking) -> bytes:
    """Return the appointment that a PAS should create."""
    patient = _Reference(identifier=_Identifier(NHS_NUMBER, str(booking.patient)))
    return _encode(
        _Booking(
            status="booked",
            identifier=(_Identifier(BOOKING_KEY, booking.key), _Identifier(UBRN, str(booking.ubrn))),
            slot=(_Reference(f"Slot/{booking.pas_slot}"),),
            start=booking.start,
            end=booking.end,
            created=booking.created,
            participant=(_Participant(patient, "accepted"),),
        )
    )


def write_cancellation(appointment_id: str, reason: str | None) -> bytes:
    """Return the appointment as cancelled. `reason` is a code of the service's appointment cancellation reasons."""
    concept = None if reason is None else _Concept((_Coding(code=reason),))
    return _encode(_Cancellation(id=appointment_id, status="cancelled", cancelation_reason=concept))


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        place = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "the top"
        raise Unreadable(f"an element breaks the contract at {place}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("it is not valid JSON") from None


def _known(appointment: _Appointment) -> PasAppointment:
    key = _value(appointment.identifier, BOOKING_KEY)
    if key is None:
        raise Unreadable("an appointment has no booking key")
    reason = appointment.cancelation_reason
    codes = [coding.code for coding in reason.coding if coding.code] if reason else []
    return PasAppointment(
        id=appointment.id,
        key=key,
        status=appointment.status,
        pas_slot=next((_target(each, "Slot") for each in appointment.slot), None),
        reason=codes[0] if codes else None,
    )


def _slot(slot: _Slot, clinicians: dict[str, UserId | None]) -> PolledSlot:
    """Return a slot. Raises ValueError, OverflowError."""
    schedule, usrn = _target(slot.schedule, "Schedule"), _value(slot.identifier, USRN)
    if schedule not in clinicians:
        raise ValueError("a slot comes without its schedule")
    if usrn is None:
        raise ValueError("a slot has no reference number")
    if slot.end <= slot.start:
        raise ValueError("a slot ends before it starts")
    codings = (coding for concept in slot.service_type for coding in concept.coding)
    return PolledSlot(
        pas_id=slot.id,
        usrn=usrn,
        start=in_utc(slot.start),
        end=in_utc(slot.end),
        priorities=frozenset(Priority(coding.code) for coding in codings if coding.system == PRIORITY),
        clinician=clinicians[schedule],
        free=slot.status == "free",
    )


def _clinician(schedule: _Schedule, service: ServiceId) -> UserId | None:
    """Return the clinician of a schedule at `service`; `None` for the service's own schedule. Raises ValueError."""
    actors = [actor.identifier for actor in schedule.actor if actor.identifier]
    if _value(actors, SERVICE) != service:
        raise ValueError("a schedule belongs to another service")
    clinician = _value(actors, CLINICIAN)
    return None if clinician is None else UserId(clinician)


def _value(identifiers: Iterable[_Identifier], system: str) -> str | None:
    return next((each.value for each in identifiers if each.system == system), None)


def _target(reference: _Reference, kind: str) -> str | None:
    """Return the id in a reference such as `Slot/1`, which may have a server address before it."""
    start, found, key = (reference.reference or "").rpartition(f"{kind}/")
    return key if found and (not start or start.endswith("/")) else None


def read_notification(body: bytes) -> tuple[Ubrn, PasAppointment]:
    """Return the booking in a PAS notification, and the UBRN of its referral. Raises Unreadable."""
    appointment = _decoded(_appointment, body)
    ubrn = _value(appointment.identifier, UBRN)
    try:
        return Ubrn(ubrn or ""), _known(appointment)
    except ValueError:
        raise Unreadable("an appointment has no UBRN") from None
