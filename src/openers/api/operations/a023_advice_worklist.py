"""A023: the advice requests that a provider has to handle. Source: rules chapters 4 (A023) and 13."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_SIDE
from openers.usecases.worklists.fetch_advice_worklist import FetchAdviceWorklist, fetch_advice_worklist
from openers.wire.stu3.advice.requests import read_worklist
from openers.wire.stu3.worklists.lists import write_advice_worklist


@operation(
    "A023",
    POST,
    "/STU3/CommunicationRequest/$ers.fetchworklist",
    operation_id="a023-retrieve-a&g-worklist",
    tags=(Tag.ADVISE,),
    roles=PROVIDER_SIDE,
    request="FetchAdviceWorklist",
    response="AdviceWorklist",
    audit="API Retrieve Request List",
)
async def retrieve_advice_worklist(call: Call) -> Reply:
    """Retrieve the worklist of requests for advice."""
    query = FetchAdviceWorklist(call.principal, read_worklist(call.body))
    found = await fetch_advice_worklist(query, call.world)
    return call.plain(write_advice_worklist(found, call.base, call.world.clock.now()))
