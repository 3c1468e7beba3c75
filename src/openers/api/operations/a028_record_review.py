"""A028: record the outcome of a triage request or an appointment slot issue. Source: rules chapter 4 (A028)."""

from __future__ import annotations

from openers.api.call import Call, Reply
from openers.api.operation import POST, PROVIDER_APPLICATIONS, Tag
from openers.api.registry import operation
from openers.domain.principal import PROVIDER_CLINICIANS
from openers.usecases.deciding.decide import decide
from openers.wire.stu3.acts.requests import read_review
from openers.wire.stu3.referral import write_referral


@operation(
    "A028",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.recordReviewOutcome",
    operation_id="a028-record-triage-outcome",
    tags=(Tag.REVIEW,),
    roles=PROVIDER_CLINICIANS,
    applications=PROVIDER_APPLICATIONS,
    request="RecordReviewOutcome",
    response="ReferralRequest",
    audit="API Record Review Outcome",
    if_match=True,
    etag=True,
)
async def record_review_outcome(call: Call) -> Reply:
    """Record the outcome of a review: return with advice, or accept and book later."""
    return call.reply(await decide(read_review(call.body, call.which), call.world), write_referral)
