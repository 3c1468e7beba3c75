"""A008: a worklist of referrals for the caller's side. Source: rules chapters 1.2, 2.2 and 4 (A008)."""

from __future__ import annotations

from collections.abc import Sequence

from openers.api.call import Call, Reply
from openers.api.http.request import Stop
from openers.api.operation import POST, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_SIDE, RA, REFERRERS
from openers.usecases.ports.worklists import Listed
from openers.usecases.worklists.fetch_worklist import fetch_worklist
from openers.wire import problems
from openers.wire.stu3.worklists.referral_worklist import read_fetch_worklist, write_worklist
from openers.wire.stu3.worklists.referral_worklist_rows import WRITERS, WrittenRow


@operation(
    "A008",
    POST,
    "/STU3/ReferralRequest/$ers.fetchworklist",
    operation_id="a008-retrieve-worklist",
    tags=(Tag.READ, Tag.REVIEW),
    roles=REFERRERS | {RA} | PROVIDER_SIDE,
    applications=PROVIDER_APPLICATIONS,
    request="FetchWorklist",
    response="Worklist",
    audit="API Retrieve Request List",
)
async def fetch_worklist_of_referrals(call: Call) -> Reply:
    """Fetch a worklist of referrals."""
    query = read_fetch_worklist(call.body, call.principal)
    if query.worklist.party is not call.principal.party:
        text = f"{call.principal.function} has no worklist {query.worklist}: it is the {query.worklist.party}'s."
        raise Stop(problems.wrong_function(text))
    writer, renderings, rows = WRITERS[query.worklist], call.renderings, dict[str, WrittenRow]()

    def _not_at_hand(members: Sequence[Listed]) -> list[Listed]:
        rows.update(renderings.those_kept(call.world, writer, members))
        return [each for each in members if each.key not in rows]

    fetched = await fetch_worklist(query, _not_at_hand, call.world)
    for key, row in fetched.rows.items():
        rows[key] = renderings.of(call.world, row, writer, call.base)
    in_order = [rows[member.key] for member in fetched.members]
    return call.plain(write_worklist(query.worklist, in_order, call.world.clock.now().date()))
