"""X001 (our extension): a referrer replies to the provider or adds clinical information. See ADR 0035."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.advice.reply_to_provider import reply_to_provider
from openers.wire.stu3.advice.communication_request import write_replied
from openers.wire.stu3.advice.requests import read_reply


@operation(
    "X001",
    POST,
    "/STU3/CommunicationRequest/{ubrn}/$openers.sendCommunicationToProvider",
    operation_id="x001-reply-to-provider",
    tags=(Tag.EXTENSIONS,),
    roles=REFERRERS,
    request="SendCommunicationToProvider",
    response="AdviceReplied",
    audit="API Send Advice And Guidance Reply",
    if_match=True,
)
async def send_communication_to_provider(call: Call) -> Reply:
    """Reply to the provider, or add clinical information."""
    said = await reply_to_provider(read_reply(call.body, call.which), call.world)
    return call.plain(write_replied(said, call.base))
