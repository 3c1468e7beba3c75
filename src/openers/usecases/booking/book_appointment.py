"""Book a slot (A016) as a saga: claim and hold, call the PAS outside any transaction, then confirm or release.

The claim holds all data needed to finish. After a crash between the steps, `settle_claims.py` asks the PAS for the
outcome by the booking key. Source: rules chapters 4 (A016) and 7; the decision on sagas.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from openers.domain.appointment import Appointment, AppointmentStatus
from openers.domain.booking import BookingClaim, PasAppointment, PasBooking, PasLink
from openers.domain.directory import Service
from openers.domain.errors import (
    Field,
    InappropriateSlot,
    InappropriateValue,
    MissingValue,
    OutcomeUnknown,
    PasCall,
    PasNotResponding,
    PasRefused,
    PasRespondedWithError,
    PasSilent,
    RecordLocked,
    ReferenceNotFound,
    SlotNotAvailable,
    UnableToConfirmAppointment,
    Unavailable,
)
from openers.domain.lifecycle import Act
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.domain.shortlist import ShortlistedService
from openers.domain.slots import Slot, SlotState
from openers.usecases.booking.make_appointment import (
    STEPS,
    Subject,
    check_directly_bookable,
    find_subject,
    seen_slots,
)
from openers.usecases.booking.propose_appointment import specialty_of
from openers.usecases.events.recording import record_event
from openers.usecases.ports.appointment_request import AppointmentRequest
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World

SETTLE: Final = "settle claim"
"""Kind of due work that finds the outcome of a claim; its key is the UBRN."""
ORPHAN: Final = "cancel orphaned booking"
"""Kind of due work that checks whether a PAS booked after the service gave up; its key is `UBRN/service/key`."""
LATE: Final = timedelta(minutes=10)


async def book_appointment(request: AppointmentRequest, by: Principal, world: World) -> Stored[Referral]:
    """Book, or change nothing.

    Raises a `FieldRefused`, VersionConflict, RecordLocked, PasRespondedWithError, PasNotResponding and OutcomeUnknown.
    After the last two, due work settles the outcome: until then the slot stays held and the referral claimed.
    """
    claim, link = await _reserve(request, by, world)
    try:
        booked = await world.pas.book(link, claim.booking)
    except PasRefused as error:
        await release_booking(claim, world, may_come_late=not error.gone)
        raise PasRespondedWithError(PasCall.BOOK, claim.slot, claim.ubrn) from error
    except PasSilent as error:
        if not error.sent:
            await release_booking(claim, world, SlotState.FREE)
        raise PasNotResponding(PasCall.BOOK, claim.slot, claim.ubrn) from error
    try:
        confirmed = await confirm_booking(claim, booked, world)
    except (Unavailable, RecordLocked) as error:  # the PAS has booked, and the claim is settled later
        raise OutcomeUnknown("booking") from error
    if confirmed is None:
        raise UnableToConfirmAppointment(Field.SLOT, claim.slot, "was settled in the meantime: read the referral again")
    return confirmed


async def _reserve(request: AppointmentRequest, by: Principal, world: World) -> tuple[BookingClaim, PasLink]:
    """Claim the referral and hold the slot: the first step."""
    if request.slot is None:
        raise MissingValue(Field.SLOT)
    if request.reason is not None:
        raise InappropriateValue(Field.REASON, request.reason.code, "is not allowed with a booking")
    async with world.begin("claim for booking", lock=(request.ubrn, f"slot/{request.slot}")) as tx:
        subject = await find_subject(request, by, world, tx)
        subject.referral.value.check(Act.BOOK, world.clock.now())
        check_directly_bookable(subject.service)
        slot = await _slot(request, subject, world, tx)
        link = await tx.links.get(subject.service.id)
        if link is None or not link.active or not await tx.slots.move(slot.id, SlotState.FREE, SlotState.HELD):
            raise SlotNotAvailable(Field.SLOT, slot.id, "is not available any more")
        claim = await _claim(request, slot, by, world, tx)
        if not await tx.claims.add(claim):
            raise RecordLocked
        await tx.due.add(SETTLE, claim.ubrn, claim.expires)
        return claim, link


async def _slot(request: AppointmentRequest, subject: Subject, world: World, tx: Tx) -> Slot:
    """Return the requested slot, if it matches the referral and the request describes it correctly.

    Raises a `FieldRefused`.
    """
    slot = None if request.slot is None else await tx.slots.get(request.slot)
    if slot is None:
        raise ReferenceNotFound(Field.SLOT, request.slot, "is not known")
    if slot.service != subject.service.id or subject.referral.value.priority not in slot.priorities:
        raise InappropriateSlot(Field.SLOT, slot.id, "does not suit the service and priority of the referral")
    if seen_slots(subject, world).hides(slot):
        raise SlotNotAvailable(Field.SLOT, slot.id, "is not available any more")
    for field, told, kept in ((Field.START, request.start, slot.start), (Field.END, request.end, slot.end)):
        if told is None:
            raise MissingValue(field)
        if told != kept:
            raise InappropriateValue(field, told.isoformat(), "is not that of the slot")
    if request.clinician != slot.clinician:
        raise InappropriateValue(Field.NAMED_CLINICIAN, request.clinician, "is not the clinician of the slot")
    return slot


async def _claim(request: AppointmentRequest, slot: Slot, by: Principal, world: World, tx: Tx) -> BookingClaim:
    now, key = world.clock.now(), str(world.ids.uuid())
    booking = PasBooking(
        key=key,
        ubrn=request.ubrn,
        patient=request.patient,
        pas_slot=slot.pas_id,
        start=slot.start,
        end=slot.end,
        created=now,
    )
    return BookingClaim(
        ubrn=request.ubrn,
        key=key,
        by=by,
        service=slot.service,
        slot=slot.id,
        appointment=await tx.referrals.next_appointment_id(),
        taken=now,
        expires=now + world.pas.awaited,
        booking=booking,
        clinician=slot.clinician,
        comment=request.comment,
    )


async def confirm_booking(claim: BookingClaim, booked: PasAppointment, world: World) -> Stored[Referral] | None:
    """Add the PAS's booking to the referral: the last step. Return `None` if the claim was already settled."""
    async with world.begin("confirm booking", lock=(claim.ubrn, f"slot/{claim.slot}")) as tx:
        if not await tx.claims.release(claim):
            return None
        old = await tx.referrals.get(claim.ubrn, claim.by)
        service = await tx.directory.service(claim.service)
        if service is None:
            raise RuntimeError("services are never removed")
        appointment = _booked(claim, booked, service.value, world)
        asked = old.value.ask(Act.BOOK, appointment, service.value.workgroup)
        stored = await tx.referrals.put(old, asked, STEPS)
        await tx.slots.move(claim.slot, SlotState.HELD, SlotState.BOOKED)
        world.entry.touched(ubrn=claim.ubrn, patient=old.patient)
        await record_event(tx, world, Act.BOOK, stored)
        return stored


def _booked(claim: BookingClaim, booked: PasAppointment, service: Service, world: World) -> Appointment:
    specialty = specialty_of(service, world.reference)
    return Appointment(
        id=claim.appointment,
        version=0,
        status=AppointmentStatus.BOOKED,
        service=ShortlistedService(service.id, service.name),
        site=service.site,
        specialty=specialty.code,
        specialty_name=specialty.name,
        created=world.clock.now(),
        slot=claim.slot,
        start=claim.booking.start,
        end=claim.booking.end,
        clinician=claim.clinician,
        comment=claim.comment,
        booking_key=claim.key,
        pas_id=booked.id,
    )


async def release_booking(
    claim: BookingClaim, world: World, slot: SlotState = SlotState.GONE, *, may_come_late: bool = False
) -> None:
    """Release the referral after a failed booking. The slot stays hidden until a full poll finds it free again.

    If `may_come_late`, due work checks later whether the PAS booked after all under the abandoned key.
    """
    async with world.begin("release booking", lock=(claim.ubrn, f"slot/{claim.slot}")) as tx:
        if await tx.claims.release(claim):
            await tx.links.forget_polled(claim.service)  # before the slot: polls use the same order
            await tx.slots.move(claim.slot, SlotState.HELD, slot)
            if may_come_late:
                await tx.due.add(ORPHAN, f"{claim.ubrn}/{claim.service}/{claim.key}", world.clock.now() + LATE)
            world.entry.touched(ubrn=claim.ubrn)
