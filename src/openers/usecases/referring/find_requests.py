"""Find the requests that have a UBRN (A041): a referral, a request for advice, or both where one was converted.

Source: rules chapter 4 (A041). What the caller has no relationship to is simply not found.
"""

from __future__ import annotations

import msgspec

from openers.domain.advice import Conversation
from openers.domain.identifiers import Ubrn
from openers.domain.principal import Principal
from openers.domain.referral import Referral
from openers.usecases.finding import check_not_sensitive
from openers.usecases.ports.transaction import Stored
from openers.usecases.world import World


class FindRequests(msgspec.Struct, frozen=True):
    """Which UBRN, for whom."""

    ubrn: Ubrn
    by: Principal


class FoundRequests(msgspec.Struct, frozen=True):
    """What there is to be seen."""

    referral: Stored[Referral] | None
    advice: Stored[Conversation] | None


async def find_requests(query: FindRequests, world: World) -> FoundRequests:
    """The requests, as far as there are any to be seen. Raises PatientError."""
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        found = FoundRequests(
            await tx.referrals.find(query.ubrn, query.by), await tx.conversations.find(query.ubrn, query.by)
        )
        for each in (found.referral, found.advice):
            if each is not None:
                world.entry.touched(patient=each.patient)
                await check_not_sensitive(each.patient, world, tx)
    return found
