"""Record that two referrals belong to one pathway, such as a referral and its onward referral; administrators do it.

No API does this: the real service's staff refer onward on its web pages. Called by the command line. Source: rules
chapters 1.1 (UBRN) and 4 (A005).
"""

from __future__ import annotations

from typing import Final

from openers.domain.errors import Field, InappropriateValue, InvalidState
from openers.domain.identifiers import Ubrn
from openers.domain.referral import Referral
from openers.usecases.events.recording import happened
from openers.usecases.finding import find_as_system
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World

RELATE: Final = "relate to another referral"
"""The act of the events; it changes no state and is allowed in every one."""


async def relate_referrals(one: Ubrn, other: Ubrn, world: World) -> tuple[Stored[Referral], Stored[Referral]]:
    """Relate two referrals of one patient to each other; return both as they are now.

    Raises NotFound, RecordLocked, InappropriateValue (not the same patient, or not two referrals) and InvalidState
    (they are related already).
    """
    if one == other:
        raise InappropriateValue(Field.REFERRAL, other, "cannot be related to itself")
    async with world.begin(RELATE, lock=(one, other)) as tx:
        first, second = await find_as_system(one, world, tx), await find_as_system(other, world, tx)
        if first.patient != second.patient:
            raise InappropriateValue(Field.REFERRAL, other, f"is about another patient than {one}")
        if other in first.value.related:
            raise InvalidState(Field.REFERRAL, other, f"is related to {one} already")
        now = world.clock.now()
        kept = (
            await tx.referrals.put(first, first.value.relate(other, now)),
            await tx.referrals.put(second, second.value.relate(one, now)),
        )
        for each in kept:
            await happened(tx, world, RELATE, each)
        return kept
