"""Cancel a booked appointment (A034), first in the PAS. Source: rules chapter 4 (A034), 11.2 row 21."""

from __future__ import annotations

import msgspec

from openers.domain.appointment import CancellationReason
from openers.domain.codes import CodeSystemName, Concept
from openers.domain.decision import Decision
from openers.domain.errors import Field, InappropriateValue, InvalidValue, MissingValue, VersionConflict
from openers.domain.identifiers import AppointmentId
from openers.domain.lifecycle import Act
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.deciding.decide import DecisionCommand, decide
from openers.usecases.deciding.reasons import demands_comment, may_give
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


class CancelAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """The appointment to cancel, its own version, the reason and the caller."""

    by: Principal
    appointment: AppointmentId
    version: int
    reason: str | None
    comment: str | None


class _Command(DecisionCommand, frozen=True, kw_only=True):
    """The same cancellation, addressed to the referral that holds the appointment; `version` is the appointment's."""

    appointment: AppointmentId
    decided: Decision

    @property
    def act(self) -> Act:
        """The act: cancel the appointment."""
        return Act.CANCEL_APPOINTMENT

    async def find(self, tx: Tx) -> Stored[Referral]:
        """Return the referral of the appointment. Raises NotFound, NoRelationship, VersionConflict."""
        stored = await tx.referrals.of_appointment(self.appointment, self.by)
        appointment = stored.value.appointment
        if appointment is not None and appointment.version != self.version:
            raise VersionConflict(self.version, appointment.version)
        return stored

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """Return the decision, which does not depend on the referral."""
        return self.decided


async def cancel_appointment(command: CancelAppointment, world: World) -> Stored[Referral]:
    """Cancel, or change nothing. Raises as `decide`."""
    reason = _reason(command, world)
    async with world.read() as tx:
        ubrn = (await tx.referrals.of_appointment(command.appointment, command.by)).value.ubrn
    decided = Decision(act=Act.CANCEL_APPOINTMENT, reason=CancellationReason(reason.code), comment=command.comment)
    decision = _Command(
        by=command.by, ubrn=ubrn, version=command.version, appointment=command.appointment, decided=decided
    )
    return await decide(decision, world)


def _reason(command: CancelAppointment, world: World) -> Concept:
    """Return the reason, if this caller may give it for a cancellation. Raises a `FieldRefused`.

    A reason for cancelling referrals is a known code, but not valid here (rules 11.2 row 21).
    """
    if command.reason is None:
        raise MissingValue(Field.REASON)
    reasons = world.reference.code_system(CodeSystemName.APPOINTMENT_CANCELLATION_REASON).concepts
    others = world.reference.code_system(CodeSystemName.REFERRAL_CANCELLATION_REASON).concepts
    reason = reasons.get(command.reason)
    if reason is None and command.reason not in others:
        raise InvalidValue(Field.REASON, command.reason, "is not known; see APPOINTMENT-CANCELLATION-REASON (A004)")
    if reason is None or not may_give(reason, command.by, ("usage", "CANCEL"), world):
        raise InappropriateValue(Field.REASON, None, "The reason provided is not valid in this case")
    if demands_comment(reason) and not command.comment:
        raise MissingValue(Field.COMMENT)
    return reason
