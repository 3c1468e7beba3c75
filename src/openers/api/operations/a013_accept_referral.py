"""A013: accept a referral that is booked and pending review. Source: rules chapter 4 (A013)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_CLINICIANS
from openers.usecases.deciding.accept_referral import AcceptReferral
from openers.usecases.deciding.decide import decide
from openers.wire.stu3.referral import write_referral


@operation(
    "A013",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.acceptReferral",
    operation_id="a013-accept-referral",
    tags=(Tag.REVIEW,),
    roles=PROVIDER_CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="ReferralRequest",
    audit="API Accept Referral",
    if_match=True,
    etag=True,
)
async def accept(call: Call) -> Reply:
    """Accept a referral that is booked into a bookable service and awaits its review."""
    return call.reply(await decide(AcceptReferral(**call.which), call.world), write_referral)
