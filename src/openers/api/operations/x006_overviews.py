"""X006: the state, next step and last event of up to 100 requests. See ADR 0054."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import STAFF
from openers.usecases.overview.overviews import overviews_of_rows
from openers.wire.stu3.overview.replies import write_overviews
from openers.wire.stu3.overview.requests import read_row_overviews


@operation(
    "X006",
    POST,
    "/STU3/ReferralRequest/$openers.overviews",
    operation_id="x006-retrieve-overviews",
    tags=(Tag.EXTENSIONS,),
    roles=STAFF,
    request="RowOverviews",
    response="Overviews",
    audit="API Retrieve Overviews",
)
async def retrieve_overviews(call: Call) -> Reply:
    """Retrieve what a worklist shows of up to 100 requests: state, next step, last event."""
    found = await overviews_of_rows(read_row_overviews(call.body, call.principal), call.world)
    return call.plain(write_overviews(found))
