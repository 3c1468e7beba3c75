"""A044: a referrer asks a service for advice. Returns 200, though it creates. Source: rules 4 (A044), 9 (8)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.advice.ask_for_advice import ask_for_advice
from openers.wire.stu3.advice.communication_request import write_asked
from openers.wire.stu3.advice.requests import read_question


@operation(
    "A044",
    POST,
    "/STU3/CommunicationRequest/$ers.createAdviceAndGuidance",
    operation_id="a044-create-advice-and-guidance-request",
    tags=(Tag.ASK,),
    roles=REFERRERS,
    request="CreateAdviceAndGuidance",
    response="AdviceAsked",
    audit="API Create Advice And Guidance Request",
)
async def create_advice_and_guidance(call: Call) -> Reply:
    """Ask a service for advice."""
    said = await ask_for_advice(read_question(call.body, call.principal), call.world)
    return call.plain(write_asked(said, call.base))
