"""X002 (our extension): a referrer closes a request for advice and records its outcome. See ADR 0035."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.advice.close_advice import close_advice
from openers.wire.stu3.advice.communication_request import write_conversation
from openers.wire.stu3.advice.requests import read_closing


@operation(
    "X002",
    POST,
    "/STU3/CommunicationRequest/{ubrn}/$openers.closeAdviceAndGuidance",
    operation_id="x002-close-advice-and-guidance",
    tags=(Tag.EXTENSIONS,),
    roles=REFERRERS,
    request="CloseAdviceAndGuidance",
    response="CommunicationRequest",
    audit="API Close Advice And Guidance Request",
    if_match=True,
    etag=True,
)
async def close_advice_and_guidance(call: Call) -> Reply:
    """Close a request for advice after a response, or withdraw it before."""
    return call.reply(await close_advice(read_closing(call.body, call.which), call.world), write_conversation)
