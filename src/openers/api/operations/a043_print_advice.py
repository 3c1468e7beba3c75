"""A043: a request for advice with its conversation, as a PDF. Source: rules chapters 4 (A043) and 6."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.http.media import PDF
from openers.api.operation import POST, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import CLINICIANS
from openers.usecases.advice.print_advice import print_advice
from openers.usecases.advice.read_conversation import ReadConversation


@operation(
    "A043",
    POST,
    "/STU3/CommunicationRequest/{ubrn}/$ers.generateCRI",
    operation_id="a043-retrieve-advice-and-guidance-overview-pdf",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    response="FileContent",
    audit="API Retrieve Clinical Information",
    produces=PDF,
)
async def retrieve_advice_overview(call: Call) -> Reply:
    """Retrieve the overview of a request for advice."""
    return call.printout(await print_advice(ReadConversation(call.ubrn, call.principal), call.world))
