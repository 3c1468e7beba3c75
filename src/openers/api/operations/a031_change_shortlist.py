"""A031: replace the shortlist of a referral without a booking. Source: rules chapter 4 (A031)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.referring.change_shortlist import change_shortlist
from openers.wire.stu3.acts.requests import read_change_of_shortlist
from openers.wire.stu3.referral import write_shortlisted


@operation(
    "A031",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.changeShortlist",
    operation_id="a031-change-shortlist",
    tags=(Tag.MANAGE,),
    roles=REFERRERS,
    request="ChangeShortlist",
    response="ReferralRequest",
    audit="API Change Shortlist",
    if_match=True,
    etag=True,
)
async def change(call: Call) -> Reply:
    """Change the shortlist of an existing referral, which is unbooked afterwards."""
    command = read_change_of_shortlist(call.body, call.which, send_for_triage=False)
    return call.reply(await change_shortlist(command, call.world), write_shortlisted)
