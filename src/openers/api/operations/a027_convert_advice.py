"""A027: convert a request for advice into a referral with the same UBRN. Source: rules chapters 3.3 and 4 (A027)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_CLINICIANS
from openers.usecases.advice.convert_advice import convert_advice
from openers.wire.stu3.advice.requests import read_conversion
from openers.wire.stu3.referral import write_referral


@operation(
    "A027",
    POST,
    "/STU3/ReferralRequest/$ers.createFromCommunicationRequestActionLater",
    operation_id="a027-convert-a&g-to-referral",
    tags=(Tag.ADVISE,),
    roles=PROVIDER_CLINICIANS,
    request="CreateFromCommunicationRequest",
    response="ReferralRequest",
    audit="API Convert Advice And Guidance To Referral",
    success=201,
    changes=True,
    finds=True,
)
async def create_from_communication_request(call: Call) -> Reply:
    """Convert a request for advice into a referral on which provider staff act later."""
    return call.reply(await convert_advice(read_conversion(call.body, call.principal), call.world), write_referral)
