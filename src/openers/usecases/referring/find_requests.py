"""Find the requests with a UBRN (A041): a referral, a request for advice, or both after a conversion.

Source: rules chapter 4 (A041). Requests without a relationship to the caller are not found.
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
    """The UBRN to find, and the caller."""

    ubrn: Ubrn
    by: Principal


class FoundRequests(msgspec.Struct, frozen=True):
    """The requests that the caller may see."""

    referral: Stored[Referral] | None
    advice: Stored[Conversation] | None


async def find_requests(query: FindRequests, world: World) -> FoundRequests:
    """Return the requests that the caller may see. Raises PatientError."""
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
