"""Carry out a decision on a referral: what A013, A014, A022, A028, A034 and A036 have in common.

Each says what it wants (`Wish`); here the referral is found and held against the lifecycle, and a booking that stands
in a PAS is cancelled there first (`cancel_in_pas.py`). Source: rules chapters 3.1, 3.4, 4 and 7.
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
from openers.usecases.events.recording import happened
from openers.usecases.finding import ReferralChange, find_to_change
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


class Wish(ReferralChange, frozen=True, kw_only=True):
    """A change by a decision. Each operation says which act it is, and what is decided."""

    @property
    def act(self) -> Act:
        """Which act. Raises a `FieldRefused` for one that the operation does not do."""
        raise NotImplementedError

    @property
    def locks(self) -> tuple[str, ...]:
        """The records that it changes."""
        return (self.ubrn,)

    async def decision(self, referral: Referral, world: World, tx: Tx) -> Decision:
        """What is decided, given the referral that it is about. Raises a `FieldRefused`."""
        raise NotImplementedError


class _Reserved(NamedTuple):
    """A cancellation that a PAS is to be asked for."""

    claim: CancellationClaim
    link: PasLink


async def decide(wish: Wish, world: World) -> Stored[Referral]:
    """Do it, or change nothing.

    Raises a `FieldRefused`, NotFound, NoRelationship, VersionConflict, RecordLocked, PasRespondedWithError,
    PasNotResponding (whose outcome is settled later: until then the referral is claimed).
    """
    done = await _begin(wish, wish.act, world)
    return await cancel_in_pas(done.claim, done.link, world) if isinstance(done, _Reserved) else done


async def _begin(wish: Wish, act: Act, world: World) -> _Reserved | Stored[Referral]:
    """All of it where no PAS has to be asked; else its first step, which claims the referral."""
    async with world.begin(act, lock=wish.locks) as tx:
        stored = await find_to_change(wish, world, tx)
        referral, now = stored.value, world.clock.now()
        referral.check(act, now)
        decision = await wish.decision(referral, world, tx)
        if act is not Act.ACCEPT and referral.appointment is not None and referral.appointment.is_in_pas:
            return await _reserve(wish, stored, decision, world, tx)
        decided = await tx.referrals.put(stored, referral.decide(decision, now))
        await happened(tx, world, act, decided)
        return decided


async def _reserve(wish: Wish, stored: Stored[Referral], decision: Decision, world: World, tx: Tx) -> _Reserved:
    appointment = stored.value.appointment
    if appointment is None or appointment.slot is None or appointment.pas_id is None:
        raise RuntimeError("a booking in a PAS has a slot and an id there")
    link = await tx.links.get(appointment.service.id)
    if link is None:
        raise UnableToCancelAppointment(Field.APPOINTMENT, appointment.id, "belongs to a service without a PAS now")
    claim = CancellationClaim(
        ubrn=wish.ubrn,
        key=str(world.ids.uuid()),
        by=wish.by,
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
