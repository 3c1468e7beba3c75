"""A041: the requests with a given UBRN. Source: rules chapter 4 (A041), 11.2 row 34."""

from __future__ import annotations

from typing import Final

from openers.api.call import Call, Reply
from openers.api.operation import GET, Parameter, Tag
from openers.api.registry import operation
from openers.domain.errors import Field, InvalidValue, MissingValue
from openers.domain.identifiers import Ubrn
from openers.domain.principal import CLINICIANS
from openers.usecases.referring.find_requests import FindRequests, find_requests
from openers.wire.r4.service_requests import write_service_requests

UBRN_SYSTEM: Final = "https://fhir.nhs.uk/Id/UBRN"


@operation(
    "A041",
    GET,
    "/R4/ServiceRequest",
    operation_id="a041-search-service-request",
    tags=(Tag.READ,),
    roles=CLINICIANS,
    response="R4ServiceRequests",
    audit="API Retrieve Request List",
    query=(Parameter("identifier", True, f"a UBRN, optionally after {UBRN_SYSTEM}|"),),
)
async def search_service_request(call: Call) -> Reply:
    """Find the requests with a UBRN."""
    found = await find_requests(FindRequests(_ubrn(call), call.principal), call.world)
    return call.plain(write_service_requests(found, call.searchset()))


def _ubrn(call: Call) -> Ubrn:
    """Return the requested UBRN. Raises MissingValue, InvalidValue."""
    asked = call.values_of("identifier")
    if not asked or not asked[0]:
        raise MissingValue(Field.IDENTIFIER)
    system, bar, value = asked[0].rpartition("|")
    if bar and system != UBRN_SYSTEM:
        raise InvalidValue(Field.IDENTIFIER, asked[0], f"must be of system {UBRN_SYSTEM}")
    if len(asked) > 1:
        raise InvalidValue(Field.IDENTIFIER, len(asked), "must be given once")
    try:
        return Ubrn(value)
    except ValueError as error:
        raise InvalidValue(Field.IDENTIFIER, asked[0], f"must be {Ubrn.shape}") from error
