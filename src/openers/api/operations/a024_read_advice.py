"""A024: one request for advice, in its latest version. Source: rules chapter 4 (A024), 3.4."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.advice.read_conversation import ReadConversation, read_conversation
from openers.wire.stu3.advice.communication_request import write_conversation

_AUDIT = "API Retrieve Request Summary"


@operation(
    "A024",
    GET,
    "/STU3/CommunicationRequest/{ubrn}",
    operation_id="a024-retrieve-advice-and-guidance",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="CommunicationRequest",
    audit=_AUDIT,
    etag=True,
)
async def retrieve_advice_request(call: Call) -> Reply:
    """Retrieve a request for advice."""
    query = ReadConversation(call.ubrn, call.principal)
    return call.reply(await read_conversation(query, call.world), write_conversation)


@operation(
    "A024",
    GET,
    "/STU3/CommunicationRequest/{ubrn}/_history/{version}",
    operation_id="a024-retrieve-advice-and-guidance-versioned",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="CommunicationRequest",
    audit=_AUDIT,
    etag=True,
)
async def retrieve_advice_request_version(call: Call) -> Reply:
    """Retrieve a request for advice in a given version, which must be the latest."""
    query = ReadConversation(call.ubrn, call.principal, call.version)
    return call.reply(await read_conversation(query, call.world), write_conversation)
