"""A011: create an unbooked referral with a shortlist; no provider receives it yet. Source: rules chapter 4 (A011)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.referring.create_referral import create_referral
from openers.wire.stu3.create_referral import read_create_referral
from openers.wire.stu3.referral import write_shortlisted


@operation(
    "A011",
    POST,
    "/STU3/ReferralRequest/$ers.createReferral",
    operation_id="a011-create-referral",
    tags=(Tag.REFER,),
    roles=REFERRERS,
    request="CreateReferral",
    response="ReferralRequest",
    audit="API Create Referral",
    success=201,
    etag=True,
)
async def create(call: Call) -> Reply:
    """Create a referral by choosing a shortlist of services."""
    command = read_create_referral(call.body, call.principal)
    return call.reply(await create_referral(command, call.world), write_shortlisted)
