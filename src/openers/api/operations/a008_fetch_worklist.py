"""A008: a worklist of referrals, of the caller's side. Source: rules chapters 1.2, 2.2 and 4 (A008)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.registry import POST, PROVIDER_APPLICATIONS, operation
from openers.api.request import Stop
from openers.domain.principal import PROVIDER_SIDE, RA, REFERRERS
from openers.usecases.fetch_worklist import fetch_worklist
from openers.usecases.worklist_ports import Listed
from openers.wire import problems
from openers.wire.stu3.referral_worklist import read_fetch_worklist, write_worklist
from openers.wire.stu3.referral_worklist_rows import WRITERS, WrittenRow


@operation(
    "A008",
    POST,
    "/STU3/ReferralRequest/$ers.fetchworklist",
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
        raise Stop(problems.wrong_function(call.operation.fhir, text))
    writer, renderings, at_hand = WRITERS[query.worklist], call.renderings, dict[str, WrittenRow]()

    def _is_at_hand(member: Listed) -> bool:
        kept = renderings.kept(call.world, writer, member.key, member.version)
        if kept is not None:
            at_hand[member.key] = kept
        return kept is not None

    fetched = await fetch_worklist(query, _is_at_hand, call.world)
    for key, row in fetched.rows.items():
        at_hand[key] = renderings.of(call.world, row, writer, call.base)
    rows = [at_hand[member.key] for member in fetched.members]
    patients = (member.patient for member in fetched.members)
    return call.plain(write_worklist(query.worklist, rows, patients, call.world.clock.now().date()))
