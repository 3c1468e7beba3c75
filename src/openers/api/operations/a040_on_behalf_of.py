"""A040: the clinicians for whom a provider clinician's admin may act. Source: rules chapter 4 (A040)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, Parameter, Tag
from openers.api.registry import operation
from openers.domain.errors import Field, InvalidValue
from openers.domain.principal import SPCA
from openers.usecases.directory.list_on_behalf_of import list_on_behalf_of
from openers.wire.r4.practitioners import write_practitioners

ON_BEHALF_OF = "onBehalfOf"


@operation(
    "A040",
    GET,
    "/R4/Practitioner",
    operation_id="a040-retrieve-practitioner-info",
    tags=(Tag.USERS,),
    roles=frozenset({SPCA}),
    response="R4Practitioners",
    audit="API Retrieve Practitioners",
    acts_for=False,
    query=(Parameter("_query", True, f"always {ON_BEHALF_OF}", "string"),),
)
async def retrieve_practitioner_info(call: Call) -> Reply:
    """Retrieve the clinicians that the caller may act on behalf of."""
    asked = call.values_of("_query")
    if list(asked) != [ON_BEHALF_OF]:
        raise InvalidValue(Field.QUERY, asked[0] if asked else None, f"must be {ON_BEHALF_OF}")
    return call.plain(write_practitioners(await list_on_behalf_of(call.principal, call.world), call.searchset()))
