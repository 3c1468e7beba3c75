"""Record the review outcome of a triage request or of an appointment slot issue (A028). Source: rules 4 (A028)."""

from __future__ import annotations

from typing import Final

from openers.domain.appointment import ReviewResult
from openers.domain.codes import Priority, ReviewOutcome
from openers.domain.decision import Decision
from openers.domain.errors import InappropriateValue, PriorityNotCurrent, ValueIsRequired
from openers.domain.fields import Field
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.usecases.deciding.provider_files import DecisionCommandWithFiles
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

ACTS: Final = {
    ReviewOutcome.ACCEPT_REFER_BOOK_LATER: Act.ACCEPT_BOOK_LATER,
    ReviewOutcome.RETURN_TO_REFERRER_WITH_ADVICE: Act.RETURN_WITH_ADVICE,
}
"""The two outcomes that A028 accepts; the others belong to A022 and A027 (rules 4, A028)."""


class RecordReview(DecisionCommandWithFiles, frozen=True, kw_only=True):
    """The outcome with its comment, and the new priority."""

    outcome: ReviewOutcome
    comment: str
    priority: Priority | None = None

    @property
    def act(self) -> Act:
        """The act of the outcome. Raises InappropriateValue."""
        act = ACTS.get(self.outcome)
        if act is None:
            raise InappropriateValue(Field.REVIEW_OUTCOME, self.outcome, f"must be {' or '.join(ACTS)}")
        return act

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """Return the decision for the recorded outcome. Raises ValueIsRequired, PriorityNotCurrent."""
        if self.act is Act.ACCEPT_BOOK_LATER and self.priority is None:
            raise ValueIsRequired(Field.REVIEW_PRIORITY, hint=f"{self.outcome} needs it")
        if self.act is Act.RETURN_WITH_ADVICE and self.priority not in (None, referral.priority):
            raise PriorityNotCurrent(Field.REVIEW_PRIORITY, self.priority, f"is not the current {referral.priority}")
        return Decision(
            act=self.act,
            reason=ReviewResult(self.outcome),
            comment=self.comment,
            priority=self.priority,
            attachments=await self.attached(referral, Field.REVIEW_FILE, world, tx),
        )
