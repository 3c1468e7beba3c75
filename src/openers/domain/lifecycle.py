"""The life of a referral as one total table: (state, act) -> state. What is not in the table is refused.

Every act that moves a referral looks its row up here, so what may happen is read in one place; `diagram` prints it.
Source: rules chapter 3.1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from openers.domain.errors import Field, InvalidRequestState


class ReferralState(StrEnum):
    """Where a referral stands."""

    NOT_BOOKED = "NOT_BOOKED"
    AWAITING_TRIAGE = "AWAITING_TRIAGE"
    DEFERRED_TO_PROVIDER = "DEFERRED_TO_PROVIDER"
    BOOKED = "BOOKED"
    APPT_CANCELLED_BY_PATIENT = "APPT_CANCELLED_BY_PATIENT"
    APPT_CANCELLED_BY_PROVIDER = "APPT_CANCELLED_BY_PROVIDER"
    DID_NOT_ATTEND = "DID_NOT_ATTEND"


class Act(StrEnum):
    """Something that is done with a referral."""

    CREATE = "create"
    SEND_FOR_TRIAGE = "send for triage"
    BOOK = "book"
    DEFER = "defer to the provider"
    CANCEL_APPOINTMENT = "cancel the appointment"
    PROVIDER_CANCELS = "cancel by the provider"
    MOVE = "move the appointment"
    ARRIVE = "record arrival"
    MISS = "record non-attendance"
    MAINTAIN_LETTER = "change the referral letter"


TABLE: Final[dict[tuple[ReferralState | None, Act], ReferralState]] = {
    (None, Act.CREATE): ReferralState.NOT_BOOKED,
    (ReferralState.NOT_BOOKED, Act.SEND_FOR_TRIAGE): ReferralState.AWAITING_TRIAGE,
    (ReferralState.NOT_BOOKED, Act.BOOK): ReferralState.BOOKED,
    (ReferralState.NOT_BOOKED, Act.DEFER): ReferralState.DEFERRED_TO_PROVIDER,
    (ReferralState.BOOKED, Act.CANCEL_APPOINTMENT): ReferralState.APPT_CANCELLED_BY_PATIENT,
    (ReferralState.BOOKED, Act.PROVIDER_CANCELS): ReferralState.APPT_CANCELLED_BY_PROVIDER,
    (ReferralState.BOOKED, Act.MOVE): ReferralState.BOOKED,
    (ReferralState.BOOKED, Act.ARRIVE): ReferralState.BOOKED,
    (ReferralState.BOOKED, Act.MISS): ReferralState.DID_NOT_ATTEND,
    (ReferralState.NOT_BOOKED, Act.MAINTAIN_LETTER): ReferralState.NOT_BOOKED,
    (ReferralState.AWAITING_TRIAGE, Act.MAINTAIN_LETTER): ReferralState.AWAITING_TRIAGE,
    (ReferralState.DEFERRED_TO_PROVIDER, Act.MAINTAIN_LETTER): ReferralState.DEFERRED_TO_PROVIDER,
    (ReferralState.BOOKED, Act.MAINTAIN_LETTER): ReferralState.BOOKED,
    (ReferralState.APPT_CANCELLED_BY_PATIENT, Act.MAINTAIN_LETTER): ReferralState.APPT_CANCELLED_BY_PATIENT,
    (ReferralState.APPT_CANCELLED_BY_PROVIDER, Act.MAINTAIN_LETTER): ReferralState.APPT_CANCELLED_BY_PROVIDER,
}
"""Every allowed act; `None` is the state before there is a referral."""


def after(state: ReferralState | None, act: Act) -> ReferralState:
    """The state that `act` leads to. Raises `InvalidRequestState` where the table has no row."""
    reached = TABLE.get((state, act))
    if reached is None:
        raise InvalidRequestState(Field.REFERRAL, state, f"does not allow to {act}")
    return reached


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    rows = (f"    {before or '[*]'} --> {reached}: {act}" for (before, act), reached in TABLE.items())
    return "\n".join(("stateDiagram-v2", *rows))
