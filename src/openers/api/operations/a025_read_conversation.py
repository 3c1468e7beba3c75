"""A025: the messages of a request for advice. Refusals return 400, not 422. Source: rules chapter 4 (A025), 9 (3)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, PROVIDER_APPLICATIONS, Parameter, Tag
from openers.api.registry import operation
from openers.domain.errors import Field, InvalidValue
from openers.domain.identifiers import Ubrn
from openers.domain.principal import CLINICIANS
from openers.usecases.advice.read_conversation import ReadConversation, read_conversation
from openers.wire.stu3.advice.communication import MISSPELT, Found, Include, write_communications
from openers.wire.stu3.advice.communication_request import to_service
from openers.wire.stu3.advice.requests import CONVERSATION

_INCLUDES = {**{each.value: each for each in Include}, **MISSPELT}


@operation(
    "A025",
    GET,
    "/STU3/Communication",
    operation_id="a025-retrieve-advice-and-guidance-conversation",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="Communications",
    audit="API Retrieve Request Summary",
    finds=True,
    refusal=400,
    query=(
        Parameter(
            "based-on",
            True,
            "the request in its latest version: CommunicationRequest/{UBRN}/_history/{version}",
            "reference",
        ),
        Parameter(
            "_include",
            False,
            f"resources to include with the messages, any of: {', '.join(_INCLUDES)}",
            values=tuple(_INCLUDES),
        ),
    ),
)
async def retrieve_conversation(call: Call) -> Reply:
    """Retrieve the conversation of a request for advice."""
    asked = call.one_value(Field.BASED_ON)
    named = CONVERSATION.fullmatch(asked)
    if named is None:
        raise InvalidValue(Field.BASED_ON, asked, "must be CommunicationRequest/{UBRN}/_history/{version}")
    includes = frozenset(_include(each) for each in call.values_of("_include"))
    query = ReadConversation(Ubrn(named[1]), call.principal, int(named[2]))
    stored = await read_conversation(query, call.world)
    found = Found(
        id=str(call.world.ids.uuid()),
        at=call.world.clock.now(),
        base=call.base,
        query="&".join(f"{name}={value}" for name, value in call.query),
        includes=includes,
    )
    return call.plain(write_communications(stored, to_service(stored.value), found))


def _include(text: str) -> Include:
    """Return the named include. Raises InvalidValue."""
    include = _INCLUDES.get(text)
    if include is None:
        raise InvalidValue(Field.INCLUDE, text, f"must be one of {', '.join(_INCLUDES)}")
    return include
