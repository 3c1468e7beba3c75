"""Record that two referrals belong to one pathway, such as a referral and its onward referral; administrators do this.

No API does this: the real service offers onward referrals only in its web application. The command line calls it.
Source: rules chapters 1.1 (UBRN) and 4 (A005).
"""

from __future__ import annotations

from typing import Final

from openers.domain.errors import Field, InappropriateValue, InvalidState
from openers.domain.identifiers import Ubrn
from openers.domain.referral import Referral
from openers.usecases.events.recording import record_event
from openers.usecases.finding import find_as_system
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World

RELATE: Final = "relate to another referral"
"""The act of the events; it changes no state and is allowed in every state."""


async def relate_referrals(one: Ubrn, other: Ubrn, world: World) -> tuple[Stored[Referral], Stored[Referral]]:
    """Relate two referrals of one patient to each other; return both after the change.

    Raises NotFound, RecordLocked, InappropriateValue (different patients, or the same referral twice) and InvalidState
    (they are related already).
    """
    if one == other:
        raise InappropriateValue(Field.REFERRAL, other, "cannot be related to itself")
    async with world.begin(RELATE, lock=(one, other)) as tx:
        first, second = await find_as_system(one, world, tx), await find_as_system(other, world, tx)
        if first.patient != second.patient:
            raise InappropriateValue(Field.REFERRAL, other, f"belongs to another patient than {one}")
        if other in first.value.related:
            raise InvalidState(Field.REFERRAL, other, f"is related to {one} already")
        now = world.clock.now()
        kept = (
            await tx.referrals.put(first, first.value.relate(other, now)),
            await tx.referrals.put(second, second.value.relate(one, now)),
        )
        for each in kept:
            await record_event(tx, world, RELATE, each)
        return kept
