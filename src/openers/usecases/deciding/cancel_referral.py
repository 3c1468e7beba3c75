"""Cancel a referral for good, with its current booking; either side may do so (A036).

Source: rules chapters 4 (A036), 5.1, 11.2 rows 21 and 33.
"""

from __future__ import annotations

from typing import Final

from openers.domain.appointment import CancellationReason, Specialty
from openers.domain.codes import CodeSystemName, Concept
from openers.domain.decision import Decision
from openers.domain.errors import Field, InappropriateValue, MissingValue
from openers.domain.lifecycle import Act, ReferralState
from openers.domain.principal import Party
from openers.domain.referral import Referral
from openers.usecases.booking.propose_appointment import specialty_of
from openers.usecases.deciding.decide import DecisionCommand
from openers.usecases.deciding.reasons import demands_comment, may_give
from openers.usecases.ports.transaction import Tx
from openers.usecases.world import World

TYPE: Final = "appointmentRequestCancellationReasonType"
END_OF_TRIAGE: Final = frozenset({"PROVIDER_TRIAGE"})
OTHER_PROVIDER_TYPES: Final = frozenset({"PROVIDER", "PATIENT"})
OF_A_PROVIDER: Final = "PROVIDER_CANCELLATION"
OF_A_PATIENT: Final = "PATIENT_APPOINTMENT_CANCELLATION_OTHER"
"""The reason given on the cancelled booking: which side it was cancelled for.

Source: rules 11.2 row 33; inferred for providers.
"""


class CancelReferral(DecisionCommand, frozen=True, kw_only=True):
    """The reason of the cancellation, and a comment."""

    reason: str
    comment: str | None = None

    @property
    def act(self) -> Act:
        """The act: cancel the referral."""
        return Act.CANCEL_REFERRAL

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """Return the decision to cancel for the given reason. Raises InappropriateValue, MissingValue."""
        reason = self._reason(referral, world)
        of_booking = OF_A_PROVIDER if "PROVIDER" in reason.values(TYPE) else OF_A_PATIENT
        return Decision(
            act=self.act,
            reason=CancellationReason(reason.code, CodeSystemName.REFERRAL_CANCELLATION_REASON, reason.display),
            comment=self.comment,
            booking_reason=CancellationReason(of_booking),
            organisation=self.by.organisation,
            specialty=await _first_specialty(referral, world, tx) if referral.shown_specialty is None else None,
        )

    def _reason(self, referral: Referral, world: World) -> Concept:
        """Return the reason.

        Unknown and unsuitable reasons get the same refusal, since A036 lists no other (rules 4, A036).
        """
        reason = world.reference.code_system(CodeSystemName.REFERRAL_CANCELLATION_REASON).concepts.get(self.reason)
        if reason is None or not may_give(reason, self.by, ("referrerUsage", "CANCEL_REFERRAL"), world):
            raise self._inappropriate(f"is not one that a {self.by.function} may give now")
        stands = referral.appointment is not None and referral.appointment.stands
        if stands and True not in reason.values("canCancelAppointment"):
            raise self._inappropriate("cannot cancel a booked appointment")
        if self.by.party is Party.PROVIDER:
            is_triaged = referral.state is ReferralState.TRIAGED_PROVIDER_TO_ACTION
            types = END_OF_TRIAGE if is_triaged else OTHER_PROVIDER_TYPES
            if types.isdisjoint(reason.values(TYPE)):
                raise self._inappropriate(
                    f"is not of type {' or '.join(sorted(types))}, which {referral.state} requires"
                )
        if demands_comment(reason) and self.comment is None:
            raise MissingValue(Field.CANCELLATION_COMMENTS)
        return reason

    def _inappropriate(self, hint: str) -> InappropriateValue:
        return InappropriateValue(Field.CANCELLATION_REASON, self.reason, hint)


async def _first_specialty(referral: Referral, world: World, tx: Tx) -> Specialty | None:
    """Return the specialty of the first shortlisted service.

    A cancelled referral shows one even if it was never sent to a service (published).
    """
    service = await tx.directory.service(referral.shortlist.services[0].id)
    return None if service is None else specialty_of(service.value, world.reference)
