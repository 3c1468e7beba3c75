"""Book, defer or send for triage (A016): the shared checks, and the two acts that do not call the PAS.

Booking is a saga in `book_appointment.py`. Source: rules chapter 4 (A016), 11.1 row 6, 11.2 row 22.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from openers.domain.appointment import CancellationReason, ReviewCause
from openers.domain.codes import BookableType, ReviewReason
from openers.domain.directory import Service
from openers.domain.errors import (
    Field,
    InappropriateValue,
    InvalidState,
    InvalidValue,
    MissingValue,
    NotFound,
    RecordLocked,
    ReferenceNotFound,
    ServiceUnavailable,
    SlotsCurrentlyAvailable,
    ThisSlotIsAvailable,
)
from openers.domain.lifecycle import Act
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.domain.services.slot_window import SlotWindow
from openers.domain.slots import SlotState
from openers.usecases.booking.propose_appointment import Asked, propose
from openers.usecases.events.recording import record_event
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.appointment_request import AppointmentRequest
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World

STEPS: Final = 2
"""How far an appointment raises the referral's version (rules 3.2).

It is two, so that no client relies on computing the next version.
"""


class Subject(NamedTuple):
    """The referral that needs an appointment, and the shortlisted service to send it to."""

    referral: Stored[Referral]
    service: Service


async def defer(request: AppointmentRequest, by: Principal, world: World) -> Stored[Referral]:
    """Defer to the provider, or send for triage. Raises a `FieldRefused`, VersionConflict, RecordLocked."""
    reason = _review_reason(request)
    act = Act.SEND_FOR_TRIAGE if reason is ReviewReason.TRIAGE else Act.DEFER
    async with world.begin(act, lock=(request.ubrn,)) as tx:
        subject = await find_subject(request, by, world, tx)
        subject.referral.value.check(act, world.clock.now())
        if act is Act.SEND_FOR_TRIAGE:
            _check_triage(request, subject.service)
        else:
            await _check_deferral(request, reason, subject, world, tx)
        referral = await _deferred(request, reason, subject, world, tx)
        stored = await tx.referrals.put(subject.referral, referral, STEPS)
        await record_event(tx, world, act, stored)
        return stored


async def find_subject(request: AppointmentRequest, by: Principal, world: World, tx: Tx) -> Subject:
    """Return the checked referral and service.

    Raises a `FieldRefused`, NoRelationship, VersionConflict, RecordLocked.
    """
    world.entry.touched(ubrn=request.ubrn, patient=request.patient)
    referral = await _referral(request, by, tx)
    if await tx.claims.get(request.ubrn) is not None:
        raise RecordLocked
    await check_not_sensitive(referral.patient, world, tx)
    if referral.patient != request.patient:
        raise InappropriateValue(Field.PATIENT, request.patient, "is not the patient of the referral")
    return Subject(referral, await _shortlisted(request, referral.value, world, tx))


async def _referral(request: AppointmentRequest, by: Principal, tx: Tx) -> Stored[Referral]:
    """Return the referral. A016 has no 404, so an unknown referral is an unresolvable reference (rules 9.9)."""
    try:
        return await tx.referrals.get(request.ubrn, by, request.referral_version)
    except NotFound as error:
        raise ReferenceNotFound(Field.REFERRAL, request.ubrn, "is not known") from error


async def _shortlisted(request: AppointmentRequest, referral: Referral, world: World, tx: Tx) -> Service:
    stored = await tx.directory.service(request.service)
    if stored is None:
        raise ReferenceNotFound(Field.SERVICE, request.service, "is not known")
    if referral.shortlisted(request.service) is None:
        raise InappropriateValue(Field.SERVICE, request.service, "is not on the shortlist of the referral")
    if not stored.value.is_open(world.clock.now().date()):
        raise ServiceUnavailable(Field.SERVICE, request.service, "is not published any more")
    if referral.priority not in stored.value.priorities:
        raise ServiceUnavailable(Field.SERVICE, request.service, f"does not accept {referral.priority} any more")
    return stored.value


def check_directly_bookable(service: Service) -> None:
    """Raise InvalidState unless e-RS itself books at the service."""
    if service.bookable is not BookableType.DIRECTLY_BOOKABLE or service.is_triage:
        raise InvalidState(Field.SERVICE, service.id, "is not directly bookable")


def _review_reason(request: AppointmentRequest) -> ReviewReason:
    match request.reason:
        case None:
            raise MissingValue(Field.REASON)
        case ReviewCause(code=code):
            return code
        case CancellationReason(code=code):
            raise InvalidValue(Field.REASON, code, f"must be one of {', '.join(ReviewReason)}")


def _check_triage(request: AppointmentRequest, service: Service) -> None:
    if request.slot is not None:
        raise InappropriateValue(Field.SLOT, request.slot, "is not allowed with TRIAGE")
    if not service.is_triage:
        raise InvalidState(Field.SERVICE, service.id, "is not a triage service")


async def _check_deferral(
    request: AppointmentRequest, reason: ReviewReason, subject: Subject, world: World, tx: Tx
) -> None:
    """Check that nothing can be booked; otherwise a deferral is refused (rules 4, A016)."""
    check_directly_bookable(subject.service)
    if reason is ReviewReason.SLOT_NOT_AVAILABLE:
        await _check_quoted_slot(request, subject, world, tx)
    elif request.slot is not None:
        raise InappropriateValue(Field.SLOT, request.slot, f"is only allowed with {ReviewReason.SLOT_NOT_AVAILABLE}")
    elif reason is ReviewReason.NO_SLOTS_AT_SERVICE:
        seen = seen_slots(subject, world)
        if await tx.slots.any_free(subject.service.id, seen):
            raise SlotsCurrentlyAvailable(Field.SERVICE, subject.service.id, "has free slots")


def seen_slots(subject: Subject, world: World) -> SlotWindow:
    """Return which free slots of the service the referrer sees."""
    return subject.service.slot_window(subject.referral.value.priority, world.clock.now())


async def _check_quoted_slot(request: AppointmentRequest, subject: Subject, world: World, tx: Tx) -> None:
    if request.slot is None:
        raise MissingValue(Field.SLOT)
    slot = await tx.slots.get(request.slot)
    if slot is None:
        raise ReferenceNotFound(Field.SLOT, request.slot, "is not known")
    if slot.service != subject.service.id:
        raise InappropriateValue(Field.SLOT, request.slot, "is a slot of another service")
    if slot.state is SlotState.FREE:
        if seen_slots(subject, world).hides(slot):
            raise ReferenceNotFound(Field.SLOT, request.slot, "is not known")
        raise ThisSlotIsAvailable(Field.SLOT, request.slot, "is free: book it")


async def _deferred(
    request: AppointmentRequest, reason: ReviewReason, subject: Subject, world: World, tx: Tx
) -> Referral:
    referral, service = subject.referral.value, subject.service
    proposed = await propose(Asked(service, referral.priority, reason, world.clock.now()), world, tx)
    act = Act.SEND_FOR_TRIAGE if reason is ReviewReason.TRIAGE else Act.DEFER
    return referral.ask(act, msgspec.structs.replace(proposed, comment=request.comment), service.workgroup)
