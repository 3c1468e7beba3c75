"""The history of a request (X007): its events, in order, each with the person who acted. Source: ADR 0054."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.events import Event
from openers.domain.identifiers import Ubrn
from openers.domain.principal import Principal
from openers.usecases.finding import check_not_sensitive
from openers.usecases.world import World


class RequestHistory(msgspec.Struct, frozen=True):
    """The UBRN, and the caller."""

    ubrn: Ubrn
    by: Principal


async def request_history(query: RequestHistory, world: World) -> Sequence[Event]:
    """Return the events of the requests with a UBRN that the caller may see, oldest first, at most 1,000.

    Raises NotFound, NoRelationship, PatientError.
    """
    world.entry.touched(ubrn=query.ubrn)
    async with world.read() as tx:
        referral = await tx.referrals.find(query.ubrn, query.by)
        advice = await tx.conversations.find(query.ubrn, query.by)
        shown = {"referral": referral, "request for advice": advice}
        kinds = {kind for kind, each in shown.items() if each is not None}
        if not kinds:
            await tx.referrals.get(query.ubrn, query.by)  # which says why there is nothing to see
        patient = next(each.patient for each in shown.values() if each is not None)
        world.entry.touched(patient=patient)
        await check_not_sensitive(patient, world, tx)
        return [each for each in await tx.events.of(query.ubrn) if each.kind in kinds]
