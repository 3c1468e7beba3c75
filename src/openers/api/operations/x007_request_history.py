"""X007: the history of a request. See ADR 0054."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import GET, Tag
from openers.api.registry import operation
from openers.domain.principal import STAFF
from openers.usecases.overview.request_history import RequestHistory, request_history
from openers.wire.stu3.overview.replies import write_history


@operation(
    "X007",
    GET,
    "/STU3/ReferralRequest/{ubrn}/$openers.history",
    operation_id="x007-retrieve-history",
    tags=(Tag.EXTENSIONS,),
    roles=STAFF,
    response="History",
    audit="API Retrieve History",
)
async def retrieve_history(call: Call) -> Reply:
    """Retrieve the events of a request, oldest first."""
    return call.plain(write_history(await request_history(RequestHistory(call.ubrn, call.principal), call.world)))
