"""Reject a booked referral after its review (A014): it returns to the referrer and its booking is cancelled.

Source: rules chapter 4 (A014) and 5.1.
"""

from __future__ import annotations

from openers.domain.appointment import CancellationReason
from openers.domain.codes import CodeSystemName, Concept
from openers.domain.decision import Decision
from openers.domain.errors import (
    Field,
    FieldNotPermitted,
    InappropriateValue,
    InvalidCode,
    ValueIsRequired,
)
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.usecases.deciding.decide import DecisionCommand
from openers.usecases.deciding.reasons import demands_comment, may_give
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World


class RejectReferral(DecisionCommand, frozen=True, kw_only=True):
    """The reason, and whether the provider has cancelled a booking by telephone in its own system."""

    reason: str
    comment: str | None = None
    cancelled_in_pas: bool | None = None

    @property
    def act(self) -> Act:
        """The act: reject."""
        return Act.REJECT

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """Return the decision to reject for the given reason. Raises a `FieldRefused`."""
        reason = self._reason(world)
        check_cancelled_in_pas(referral, self.cancelled_in_pas)
        return Decision(
            act=self.act,
            reason=CancellationReason(reason.code, display=reason.display),
            comment=self.comment,
            cancelled_in_pas=self.cancelled_in_pas,
        )

    def _reason(self, world: World) -> Concept:
        field = Field.REJECTION_REASON
        reason = world.reference.code_system(CodeSystemName.APPOINTMENT_CANCELLATION_REASON).concepts.get(self.reason)
        if reason is None:
            raise InvalidCode(field, self.reason, "is not known; see APPOINTMENT-CANCELLATION-REASON (A004)")
        is_for_rejecting = "PROVIDER_REJECT" in reason.values("appointmentBookingCancellationReasonType")
        if not is_for_rejecting or not may_give(reason, self.by, ("usage", "REJECT"), world):
            raise InappropriateValue(
                field, self.reason, f"is not a reason for which a {self.by.function} may reject today"
            )
        if demands_comment(reason) and self.comment is None:
            raise ValueIsRequired(Field.REJECTION_COMMENTS, hint=f"{self.reason} requires them")
        return reason


def check_cancelled_in_pas(referral: Referral, told: bool | None) -> None:
    """Raise a `FieldRefused` unless the value is given for bookings by telephone only (rules 4, A014 and A022)."""
    through_pas = referral.appointment is not None and referral.appointment.is_in_pas
    if through_pas and told is not None:
        raise FieldNotPermitted(Field.CANCELLED_IN_PAS, told, "is not allowed for a booking made through the service")
    if not through_pas and told is None:
        raise ValueIsRequired(Field.CANCELLED_IN_PAS, hint="give it for a booking at an indirectly bookable service")
