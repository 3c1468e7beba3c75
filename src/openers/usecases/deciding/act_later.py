"""Cancel the appointment and leave further action to the provider's own staff (A022).

Source: rules chapter 4 (A022).
"""

from __future__ import annotations

from openers.domain.appointment import ReviewResult
from openers.domain.codes import Priority, ReviewOutcome
from openers.domain.decision import Decision
from openers.domain.fields import Field
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.usecases.deciding.provider_files import DecisionCommandWithFiles
from openers.usecases.deciding.reject_referral import check_cancelled_in_pas
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class ActLater(DecisionCommandWithFiles, frozen=True, kw_only=True):
    """The instructions for the provider's staff, and an optional new priority."""

    comment: str
    priority: Priority | None = None
    cancelled_in_pas: bool | None = None

    @property
    def act(self) -> Act:
        """The act: cancel the appointment, action later."""
        return Act.ACT_LATER

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """Return the decision to arrange a new appointment. Raises a `FieldRefused`."""
        check_cancelled_in_pas(referral, self.cancelled_in_pas)
        return Decision(
            act=self.act,
            reason=ReviewResult(ReviewOutcome.CANCEL_APPOINTMENT_ACTION_LATER),
            comment=self.comment,
            priority=self.priority,
            cancelled_in_pas=self.cancelled_in_pas,
            attachments=await self.attached(referral, Field.PROVIDER_FILE, world, tx),
        )
