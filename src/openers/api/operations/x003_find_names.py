"""X003: the names behind identifiers of patients, people and organisations. See ADR 0054."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import STAFF
from openers.usecases.overview.find_names import find_names
from openers.wire.stu3.overview.replies import write_names
from openers.wire.stu3.overview.requests import read_find_names


@operation(
    "X003",
    POST,
    "/STU3/Patient/$openers.findNames",
    operation_id="x003-find-names",
    tags=(Tag.EXTENSIONS,),
    roles=STAFF,
    request="FindNames",
    response="FoundNames",
    audit="API Find Names",
)
async def find_names_of_identifiers(call: Call) -> Reply:
    """Find the names of patients, people and organisations, up to 100 in one call."""
    found = await find_names(read_find_names(call.body, call.principal), call.world)
    return call.plain(write_names(found))
