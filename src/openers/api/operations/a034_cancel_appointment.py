"""A034: cancel the booked appointment, the only supported update. Source: rules chapter 4 (A034)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import PUT, Tag
from openers.api.registry import operation
from openers.domain.appointment import CancellationReason
from openers.domain.errors import Field, InvalidValue
from openers.domain.principal import REFERRERS
from openers.usecases.deciding.cancel_appointment import CancelAppointment, cancel_appointment
from openers.usecases.ports.appointment_request import AppointmentRequest, WantedStatus
from openers.wire.stu3.booking.appointment import write_appointment
from openers.wire.stu3.booking.appointment_request import read_appointment


@operation(
    "A034",
    PUT,
    "/STU3/Appointment/{id}",
    operation_id="a034-update-appointment",
    tags=(Tag.CHANGE,),
    roles=REFERRERS,
    request="AppointmentRequest",
    response="Appointment",
    audit="API Update Appointment",
    if_match=True,
    asks_pas=True,
    etag=True,
)
async def update_appointment(call: Call) -> Reply:
    """Cancel an appointment that is booked into a directly bookable service."""
    request = read_appointment(call.body)
    if request.status is not WantedStatus.CANCELLED:
        raise InvalidValue(Field.STATUS, request.status, "must be cancelled")
    if request.id != call.path["id"]:
        raise InvalidValue(Field.APPOINTMENT, request.id, "is not the appointment of the address")
    command = CancelAppointment(
        by=call.principal,
        appointment=call.appointment_id,
        version=call.if_match,
        reason=_reason(request),
        comment=request.comment,
    )
    return call.appointment_reply(await cancel_appointment(command, call.world), write_appointment)


def _reason(request: AppointmentRequest) -> str | None:
    match request.reason:
        case None:
            return None
        case CancellationReason(code=code):
            return code
        case other:
            raise InvalidValue(Field.REASON, other.code, "must be of APPOINTMENT-CANCELLATION-REASON")
