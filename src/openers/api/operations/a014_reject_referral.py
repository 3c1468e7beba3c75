"""A014: reject a referral that is booked and pending review. Source: rules chapter 4 (A014)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_CLINICIANS
from openers.usecases.deciding.decide import decide
from openers.wire.stu3.acts.requests import read_rejection
from openers.wire.stu3.referral import write_referral


@operation(
    "A014",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.rejectReferral",
    operation_id="a014-reject-referral",
    tags=(Tag.REVIEW,),
    roles=PROVIDER_CLINICIANS,
    request="RejectReferral",
    response="ReferralRequest",
    audit="API Reject Referral",
    if_match=True,
    asks_pas=True,
    etag=True,
)
async def reject(call: Call) -> Reply:
    """Reject a booked referral with a reason and return it to its referrer."""
    return call.reply(await decide(read_rejection(call.body, call.which), call.world), write_referral)
