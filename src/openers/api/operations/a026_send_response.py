"""A026: a provider's response to a request for advice, or a question back. Source: rules 4 (A026), 11.2 row 38."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_CLINICIANS
from openers.usecases.advice.send_response import send_response
from openers.wire.stu3.advice.communication_request import write_responded
from openers.wire.stu3.advice.requests import read_response


@operation(
    "A026",
    POST,
    "/STU3/CommunicationRequest/{ubrn}/$ers.sendCommunicationToRequester",
    operation_id="a026-send-a&g-response",
    tags=(Tag.ADVISE,),
    roles=PROVIDER_CLINICIANS,
    request="SendCommunicationToRequester",
    response="AdviceResponded",
    audit="API Send Advice And Guidance Response",
    if_match=True,
)
async def send_communication_to_requester(call: Call) -> Reply:
    """Give advice, or ask the referrer for further information."""
    said = await send_response(read_response(call.body, call.which), call.world)
    return call.plain(write_responded(said, call.base))
