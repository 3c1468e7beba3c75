"""Carry out a decision on a referral: the shared steps of A013, A014, A022, A028, A034 and A036.

Each operation describes its decision in a `DecisionCommand`. This module finds the referral, checks the lifecycle, and
first cancels a current booking in its PAS (`cancel_in_pas.py`). Source: rules chapters 3.1, 3.4, 4 and 7.
"""

from __future__ import annotations

from typing import NamedTuple

from openers.domain.booking import CancellationClaim, PasLink
from openers.domain.decision import Decision
from openers.domain.errors import Field, RecordLocked, UnableToCancelAppointment
from openers.domain.lifecycle import Act
from openers.domain.referral import Referral
from openers.usecases.booking.book_appointment import SETTLE
from openers.usecases.booking.cancel_in_pas import cancel_in_pas
from openers.usecases.events.recording import record_event
from openers.usecases.finding import ReferralChange, find_to_change
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


class DecisionCommand(ReferralChange, frozen=True, kw_only=True):
    """A change by a decision. Each operation defines its act and its decision."""

    @property
    def act(self) -> Act:
        """The act. Raises a `FieldRefused` if the operation does not perform it."""
        raise NotImplementedError

    @property
    def locks(self) -> tuple[str, ...]:
        """The records to lock."""
        return (self.ubrn,)

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """Return the decision for this referral. Raises a `FieldRefused`."""
        raise NotImplementedError


class _Reserved(NamedTuple):
    """A claimed cancellation, to be sent to the PAS."""

    claim: CancellationClaim
    link: PasLink


async def decide(command: DecisionCommand, world: World) -> Stored[Referral]:
    """Carry out the decision, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked, PasRespondedWithError and
    PasNotResponding. After the last, due work settles the outcome: until then the referral is claimed.
    """
    done = await _begin(command, command.act, world)
    return await cancel_in_pas(done.claim, done.link, world) if isinstance(done, _Reserved) else done


async def _begin(command: DecisionCommand, act: Act, world: World) -> _Reserved | Stored[Referral]:
    """Carry out the decision if no PAS has to be called; otherwise only claim the referral, the first step."""
    async with world.begin(act, lock=command.locks) as tx:
        stored = await find_to_change(command, world, tx)
        referral, now = stored.value, world.clock.now()
        referral.check(act, now)
        decision = await command.decision(referral, world, tx)
        if act is not Act.ACCEPT and referral.appointment is not None and referral.appointment.is_in_pas:
            return await _reserve(command, stored, decision, world, tx)
        decided = await tx.referrals.put(stored, referral.decide(decision, now))
        await record_event(tx, world, act, decided)
        return decided


async def _reserve(
    command: DecisionCommand, stored: Stored[Referral], decision: Decision, world: World, tx: Tx
) -> _Reserved:
    appointment = stored.value.appointment
    if appointment is None or appointment.slot is None or appointment.pas_id is None:
        raise RuntimeError("a booking in a PAS has a slot and an id there")
    link = await tx.links.get(appointment.service.id)
    if link is None:
        raise UnableToCancelAppointment(
            Field.APPOINTMENT, appointment.id, "belongs to a service that no longer has a PAS"
        )
    claim = CancellationClaim(
        ubrn=command.ubrn,
        key=str(world.ids.uuid()),
        by=command.by,
        service=appointment.service.id,
        slot=appointment.slot,
        appointment=appointment.id,
        taken=world.clock.now(),
        expires=world.clock.now() + world.pas.awaited,
        pas_appointment=appointment.pas_id,
        decision=decision,
    )
    if not await tx.claims.add(claim):
        raise RecordLocked
    await tx.due.add(SETTLE, claim.ubrn, claim.expires)
    world.entry.act = f"claim to {decision.act}"
    return _Reserved(claim, link)
