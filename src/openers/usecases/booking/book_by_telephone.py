"""Record a booking made by telephone with an indirectly bookable service; an administrator does this.

Such bookings have no slot, and their end equals their start. The command line calls this. Source: rules 1.3 (IBS), 3.1,
3.2.
"""

from __future__ import annotations

import msgspec

from openers.domain.appointment import Appointment, AppointmentStatus
from openers.domain.clock import Instant
from openers.domain.codes import BookableType
from openers.domain.directory import Service
from openers.domain.errors import (
    Field,
    InappropriateValue,
    InvalidState,
    InvalidValue,
    ReferenceNotFound,
    ServiceUnavailable,
)
from openers.domain.identifiers import ServiceId, Ubrn
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.domain.shortlist import ShortlistedService
from openers.usecases.booking.propose_appointment import specialty_of
from openers.usecases.events.recording import record_event
from openers.usecases.finding import find_as_system
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


class BookByTelephone(msgspec.Struct, frozen=True, kw_only=True):
    """The referral, the shortlisted service and the time of the booking."""

    ubrn: Ubrn
    service: ServiceId
    start: Instant


async def book_by_telephone(command: BookByTelephone, world: World) -> Stored[Referral]:
    """Record the booking, or change nothing. Raises a `FieldRefused`, NotFound, RecordLocked."""
    now = world.clock.now()
    if command.start <= now:
        raise InvalidValue(Field.START, command.start.isoformat(), "must be in the future")
    async with world.begin(Act.BOOK_BY_TELEPHONE, lock=(command.ubrn,)) as tx:
        stored = await find_as_system(command.ubrn, world, tx)
        stored.value.check(Act.BOOK_BY_TELEPHONE, now)
        service = await _service(command.service, stored.value, now, tx)
        specialty = specialty_of(service, world.reference)
        appointment = Appointment(
            id=await tx.referrals.next_appointment_id(),
            version=0,
            status=AppointmentStatus.BOOKED,
            service=ShortlistedService(service.id, service.name),
            site=service.site,
            specialty=specialty.code,
            specialty_name=specialty.name,
            created=now,
            start=command.start,
            end=command.start,
        )
        booked = stored.value.ask(Act.BOOK_BY_TELEPHONE, appointment, service.workgroup)
        kept = await tx.referrals.put(stored, booked)
        await record_event(tx, world, Act.BOOK_BY_TELEPHONE, kept)
        return kept


async def _service(service_id: ServiceId, referral: Referral, now: Instant, tx: Tx) -> Service:
    stored = await tx.directory.service(service_id)
    if stored is None:
        raise ReferenceNotFound(Field.SERVICE, service_id, "is not known")
    if referral.shortlisted(service_id) is None:
        raise InappropriateValue(Field.SERVICE, service_id, "is not on the shortlist of the referral")
    if not stored.value.is_open(now.date()):
        raise ServiceUnavailable(Field.SERVICE, service_id, "is not published any more")
    if referral.priority not in stored.value.priorities:
        raise ServiceUnavailable(Field.SERVICE, service_id, f"does not accept {referral.priority} any more")
    if stored.value.bookable is not BookableType.INDIRECTLY_BOOKABLE:
        raise InvalidState(Field.SERVICE, service_id, "is not booked by telephone")
    return stored.value
