"""Find the requests that have a UBRN (A041): a referral, and later the conversation it was converted from.

Source: rules chapter 4 (A041). What the caller has no relationship to is simply not found.
"""

from __future__ import annotations

import msgspec

from openers.domain.identifiers import Ubrn
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.ports import Stored
from openers.usecases.read_referral import check_not_sensitive
from openers.usecases.world import World


class FindRequests(msgspec.Struct, frozen=True):
    """Which UBRN, for whom."""

    ubrn: Ubrn
    by: Principal


async def find_requests(query: FindRequests, world: World) -> list[Stored[Referral]]:
    """The requests, none if there are none to be seen. Raises PatientError."""
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        referral = await tx.referrals.find(query.ubrn, query.by)
        if referral is None:
            return []
        world.entry.touched(patient=referral.patient)
        await check_not_sensitive(referral.patient, world, tx)
    return [referral]
