"""The next step of a request: what has to happen, which side has to do it, and by when.

Worklists and pages show it, so that nobody has to know the lifecycle by heart. Source: rules chapters 3.1 and 3.3.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from openers.domain.advice import Conversation
from openers.domain.advice_lifecycle import AdviceState
from openers.domain.clock import Instant
from openers.domain.codes import LetterIntention
from openers.domain.lifecycle import ReferralState
from openers.domain.referral import Referral


class Side(StrEnum):
    """The side that has to act."""

    REFERRER = "REFERRER"
    PROVIDER = "PROVIDER"
    PATIENT = "PATIENT"


class Step(StrEnum):
    """What has to happen next."""

    BOOK = "BOOK"
    TRIAGE = "TRIAGE"
    ARRANGE_APPOINTMENT = "ARRANGE_APPOINTMENT"
    REVIEW = "REVIEW"
    ATTEND = "ATTEND"
    READ_RESPONSE = "READ_RESPONSE"
    CHOOSE_AGAIN = "CHOOSE_AGAIN"
    REFER_ON = "REFER_ON"
    RESPOND = "RESPOND"
    GIVE_INFORMATION = "GIVE_INFORMATION"
    ADD_LETTER = "ADD_LETTER"


class NextStep(NamedTuple):
    """A step, who takes it, and the day or instant by which it is due; `None` if nothing sets one."""

    step: Step
    side: Side
    due: date | Instant | None = None


BY_STATE: Final[dict[ReferralState, tuple[Step, Side]]] = {
    ReferralState.NOT_BOOKED: (Step.BOOK, Side.PATIENT),
    ReferralState.AWAITING_TRIAGE: (Step.TRIAGE, Side.PROVIDER),
    ReferralState.DEFERRED_TO_PROVIDER: (Step.ARRANGE_APPOINTMENT, Side.PROVIDER),
    ReferralState.TRIAGED_PROVIDER_TO_ACTION: (Step.ARRANGE_APPOINTMENT, Side.PROVIDER),
    ReferralState.BOOKED: (Step.ATTEND, Side.PATIENT),
    ReferralState.TRIAGE_RESPONSE: (Step.READ_RESPONSE, Side.REFERRER),
    ReferralState.REJECTED: (Step.CHOOSE_AGAIN, Side.REFERRER),
    ReferralState.APPT_CANCELLED_BY_PATIENT: (Step.CHOOSE_AGAIN, Side.REFERRER),
    ReferralState.APPT_CANCELLED_BY_PROVIDER: (Step.CHOOSE_AGAIN, Side.REFERRER),
    ReferralState.DID_NOT_ATTEND: (Step.CHOOSE_AGAIN, Side.REFERRER),
    ReferralState.ASSESSMENT_RESULT: (Step.REFER_ON, Side.REFERRER),
}
OF_ADVICE: Final[dict[AdviceState, tuple[Step, Side]]] = {
    AdviceState.PROVIDER_RESPONSE_REQUIRED: (Step.RESPOND, Side.PROVIDER),
    AdviceState.REFERRER_TO_SUBMIT_FURTHER_INFORMATION: (Step.GIVE_INFORMATION, Side.REFERRER),
    AdviceState.REFERRER_TO_REVIEW_RESPONSE: (Step.READ_RESPONSE, Side.REFERRER),
}


def next_step(referral: Referral) -> NextStep | None:
    """Return the next step of a referral; `None` if it has ended.

    A letter that its referrer intends to add comes first, since the provider cannot review without it.
    """
    found = BY_STATE.get(referral.state)
    if found is None:
        return None
    if _lacks_letter(referral):
        return NextStep(Step.ADD_LETTER, Side.REFERRER, referral.letter_due)
    step, side = found
    if referral.is_for_review and referral.state is ReferralState.BOOKED:
        step, side = Step.REVIEW, Side.PROVIDER
    return NextStep(step, side, _due(referral))


def next_step_of_advice(conversation: Conversation) -> NextStep | None:
    """Return the next step of a request for advice; `None` if the conversation has ended."""
    found = OF_ADVICE.get(conversation.state)
    return None if found is None else NextStep(*found, conversation.respond_by)


def _lacks_letter(referral: Referral) -> bool:
    intended = referral.letter_intention is LetterIntention.NEED_TO_ADD_LATER
    return intended and not referral.clinical_information.is_there


def _due(referral: Referral) -> date | Instant | None:
    appointment = referral.appointment
    if referral.state is ReferralState.NOT_BOOKED:
        return (referral.created + timedelta(days=referral.reminder_days)).date()
    if appointment is None:
        return None
    return appointment.start or appointment.contact_expected
