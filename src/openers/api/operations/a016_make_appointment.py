"""A016: book a slot, defer to the provider, or send for triage. Source: rules chapter 4 (A016)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.errors import Field, InvalidValue
from openers.domain.principal import REFERRERS
from openers.usecases.booking.book_appointment import book_appointment
from openers.usecases.booking.make_appointment import defer
from openers.usecases.ports.appointment_request import WantedStatus
from openers.wire.stu3.booking.appointment import write_appointment
from openers.wire.stu3.booking.appointment_request import read_appointment


@operation(
    "A016",
    POST,
    "/STU3/Appointment",
    operation_id="a016-book-or-defer-appointment",
    tags=(Tag.BOOK, Tag.TRIAGE),
    roles=REFERRERS,
    request="AppointmentRequest",
    response="Appointment",
    audit="API Book Or Defer Appointment",
    success=201,
    etag=True,
    asks_pas=True,
)
async def book_or_defer_appointment(call: Call) -> Reply:
    """Book an appointment, defer to the provider or send for triage."""
    request = read_appointment(call.body)
    match request.status:
        case WantedStatus.BOOKED:
            stored = await book_appointment(request, call.principal, call.world)
        case WantedStatus.PROPOSED:
            stored = await defer(request, call.principal, call.world)
        case other:
            raise InvalidValue(Field.STATUS, other, "must be booked or proposed")
    return call.appointment_reply(stored, write_appointment)
