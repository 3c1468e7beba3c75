"""A012: replace all files of a referral letter with the named ones. Source: rules chapters 4 (A012) and 6."""

from __future__ import annotations

from datetime import timedelta

from openers.api.call import Call, Reply
from openers.api.operation import POST, Tag
from openers.api.registry import operation
from openers.domain.principal import REFERRERS
from openers.usecases.files.maintain_letter import MaintainLetter, maintain_letter
from openers.wire.stu3.maintain_letter import read_letter
from openers.wire.stu3.referral import write_referral


@operation(
    "A012",
    POST,
    "/STU3/ReferralRequest/{ubrn}/$ers.maintainReferralLetter",
    operation_id="a012-maintain-referral-letter",
    tags=(Tag.REFER, Tag.BOOK, Tag.TRIAGE),
    roles=REFERRERS,
    request="MaintainLetter",
    response="ReferralRequest",
    audit="API Maintain Referral Letter",
    if_match=True,
    etag=True,
)
async def maintain_referral_letter(call: Call) -> Reply:
    """Replace the files of a referral's letter."""
    command = MaintainLetter(
        by=call.principal,
        ubrn=call.ubrn,
        version=call.if_match,
        files=read_letter(call.body),
        kept=timedelta(hours=call.settings.unlinked_files_kept_h),
    )
    return call.reply(await maintain_letter(command, call.world), write_referral)
