"""A030: the caller's business functions and organisations; needs neither header. Source: rules chapter 4 (A030)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, Tag
from openers.api.registry import operation
from openers.wire.r4.practitioners import write_practitioner_roles


@operation(
    "A030",
    GET,
    "/R4/PractitionerRole",
    operation_id="a030-retrieve-business-functions",
    tags=(Tag.USERS,),
    roles=None,
    response="R4PractitionerRoles",
    audit="API Retrieve Business Functions",
)
async def retrieve_business_functions(call: Call) -> Reply:
    """Retrieve the caller's business functions at each organisation."""
    return call.plain(write_practitioner_roles(call.person, call.searchset()))
