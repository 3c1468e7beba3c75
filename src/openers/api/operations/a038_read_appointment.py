"""A038: the current appointment of a referral, in its latest version. Source: rules chapter 4 (A038), 3.2."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.booking.read_appointment import ReadAppointment, read_appointment
from openers.wire.stu3.booking.appointment import write_appointment

_AUDIT = "API Retrieve Appointment"


@operation(
    "A038",
    GET,
    "/STU3/Appointment/{id}",
    operation_id="a038-retrieve-appointment",
    tags=(Tag.CHANGE,),
    roles=CLINICIANS,
    response="Appointment",
    audit=_AUDIT,
    etag=True,
)
async def retrieve_appointment(call: Call) -> Reply:
    """Retrieve an appointment."""
    query = ReadAppointment(call.appointment_id, call.principal)
    return call.appointment_reply(await read_appointment(query, call.world), write_appointment)


@operation(
    "A038",
    GET,
    "/STU3/Appointment/{id}/_history/{version}",
    operation_id="a038-retrieve-appointment-versioned",
    tags=(Tag.CHANGE,),
    roles=CLINICIANS,
    response="Appointment",
    audit=_AUDIT,
    etag=True,
)
async def retrieve_appointment_version(call: Call) -> Reply:
    """Retrieve an appointment in a given version, which must be the latest."""
    query = ReadAppointment(call.appointment_id, call.principal, call.version)
    return call.appointment_reply(await read_appointment(query, call.world), write_appointment)
