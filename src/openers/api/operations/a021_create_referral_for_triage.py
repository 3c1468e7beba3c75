"""A021: create a referral and send it to its one triage service; deprecated in favour of A011 and A016.

Source: rules chapter 4 (A021).
"""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.referring.create_referral import create_referral
from openers.wire.stu3.create_referral import read_create_referral_for_triage
from openers.wire.stu3.referral import write_shortlisted


@operation(
    "A021",
    POST,
    "/STU3/ReferralRequest/$ers.createReferralAndSendForTriage",
    operation_id="a021-create-referral-request-and-send-for-triage",
    tags=(Tag.REFER,),
    deprecated=True,
    roles=REFERRERS,
    request="CreateReferralAndSendForTriage",
    response="ReferralRequest",
    audit="API Create Referral",
    success=201,
    etag=True,
)
async def create_and_send_for_triage(call: Call) -> Reply:
    """Create a referral and send it to a triage service."""
    command = read_create_referral_for_triage(call.body, call.principal)
    return call.reply(await create_referral(command, call.world), write_shortlisted)
