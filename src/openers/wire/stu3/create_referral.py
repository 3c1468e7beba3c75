"""Requests that create a referral: A011, and A021 which also sends it for triage. Source: rules 4, 12."""

from __future__ import annotations

from typing import Final

from openers.domain.codes import LetterIntention
from openers.domain.principal import Principal
from openers.usecases.referring.create_referral import CreateReferral
from openers.wire.json import JsonValue
from openers.wire.stu3.kinds import coding, instant, resource, unsigned_int
from openers.wire.stu3.parameters import Param, Parameters, Values, one, optional
from openers.wire.stu3.search import PATIENT, REFERRING_CLINICIAN
from openers.wire.stu3.shortlist import read_shortlist
from openers.wire.stu3.systems import code_system

SHORTLIST: Final = Param("shortlist", resource(read_shortlist, "Shortlist"))
LETTER_INTENTION: Final = Param(
    "intentionToAddReferralLetter", coding(code_system("ReferralLetterIntention"), LetterIntention)
)
REMINDER_DAYS: Final = Param("firstReminderLetterFollowUpDays", unsigned_int())
PATHWAY_START: Final = Param("eReferralPathwayStart", instant())

_BOTH: Final = (one(PATIENT), optional(REFERRING_CLINICIAN), one(SHORTLIST), one(LETTER_INTENTION), one(REMINDER_DAYS))
CREATE_REFERRAL: Final = Parameters("CreateReferral-Parameters", *_BOTH, optional(PATHWAY_START))
"""The parameters of A011."""
CREATE_REFERRAL_FOR_TRIAGE: Final = Parameters("CreateReferralAndSendForTriage-Parameters", *_BOTH)
"""The parameters of A021, which has no pathway start (rules 12)."""


def read_create_referral(node: JsonValue, by: Principal) -> CreateReferral:
    """Return the request that `by` sent to A011. Raises the classes of `Unreadable`."""
    return _command(CREATE_REFERRAL.read(node), by, send_for_triage=False)


def read_create_referral_for_triage(node: JsonValue, by: Principal) -> CreateReferral:
    """Return the request that `by` sent to A021. Raises the classes of `Unreadable`."""
    return _command(CREATE_REFERRAL_FOR_TRIAGE.read(node), by, send_for_triage=True)


def _command(values: Values, by: Principal, *, send_for_triage: bool) -> CreateReferral:
    shortlist = values[SHORTLIST]
    return CreateReferral(
        by=by,
        patient=values[PATIENT],
        criteria=shortlist.criteria,
        services=shortlist.services,
        letter_intention=values[LETTER_INTENTION],
        reminder_days=values[REMINDER_DAYS],
        referring_clinician=values.get(REFERRING_CLINICIAN),
        pathway_start=values.get(PATHWAY_START),
        send_for_triage=send_for_triage,
    )
