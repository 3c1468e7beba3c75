"""A032: replace the shortlist with one triage service and send the referral there. Source: rules chapter 4 (A032)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.referring.change_shortlist import change_shortlist
from openers.wire.stu3.acts.requests import read_change_of_shortlist
from openers.wire.stu3.referral import write_sent_for_triage


@operation(
    "A032",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.changeShortlistAndSendForTriage",
    operation_id="a032-change-shortlist-and-send-for-triage",
    tags=(Tag.MANAGE,),
    deprecated=True,
    roles=REFERRERS,
    request="ChangeShortlistAndSendForTriage",
    response="ReferralSentForTriage",
    audit="API Change Shortlist And Send For Triage",
    if_match=True,
)
async def change_and_send_for_triage(call: Call) -> Reply:
    """Change the shortlist to one triage service and send the referral there (deprecated: A031 and A016)."""
    command = read_change_of_shortlist(call.body, call.which, send_for_triage=True)
    return call.reply(await change_shortlist(command, call.world), write_sent_for_triage)
