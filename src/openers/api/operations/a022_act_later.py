"""A022: cancel the appointment so that provider staff act on the referral later. Source: rules chapter 4 (A022)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_CLINICIANS
from openers.usecases.deciding.decide import decide
from openers.wire.stu3.acts.requests import read_act_later
from openers.wire.stu3.referral import write_referral


@operation(
    "A022",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.cancelAppointmentActionLater",
    operation_id="a022-cancel-appointment-action-later",
    tags=(Tag.REVIEW,),
    roles=PROVIDER_CLINICIANS,
    request="CancelAppointmentActionLater",
    response="ReferralRequest",
    audit="API Cancel Appointment Action Later",
    if_match=True,
    asks_pas=True,
    etag=True,
)
async def cancel_appointment_action_later(call: Call) -> Reply:
    """Cancel the appointment of a booked referral so that provider staff act on it later."""
    return call.reply(await decide(read_act_later(call.body, call.which), call.world), write_referral)
