"""A036: cancel a referral permanently, with its appointment. Source: rules chapter 4 (A036)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.deciding.decide import decide
from openers.wire.stu3.acts.requests import read_cancellation
from openers.wire.stu3.referral import write_cancelled


@operation(
    "A036",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.cancelReferral",
    operation_id="a036-cancel-referral",
    tags=(Tag.MANAGE,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    request="CancelReferral",
    response="ReferralCancelled",
    audit="API Cancel Referral",
    if_match=True,
    asks_pas=True,
)
async def cancel(call: Call) -> Reply:
    """Cancel a referral and its current appointment permanently."""
    return call.reply(await decide(read_cancellation(call.body, call.which), call.world), write_cancelled)
