"""What publishing a draft, or unpublishing a service, would do to referrals under way. Source: rules part 3, A.9."""

from __future__ import annotations

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.identifiers import ServiceId
from openers.domain.services.draft import draft_of
from openers.domain.services.effects import Effect, Found, effects_of
from openers.usecases.services.checking import is_linked
from openers.usecases.services.drafts import find_draft
from openers.usecases.world import World


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """The effects of a change, the number of referrals that wait for the provider, and that of booked slots to come."""

    effects: tuple[Found, ...]
    waiting: int
    booked: int


async def effects_on_referrals(service: ServiceId, by: Administrator, world: World, *, unpublish: bool) -> UnderWay:
    """Return the effects of unpublishing a service, or of publishing its draft. Raises NotAllowed, NoSuchRecord."""
    world.entry.act = f"tell effects of changing service {service}"
    world.entry.services = (service,)
    async with world.read() as tx:
        found = await find_draft(service, by, tx)
        live = await tx.directory.service(service)
        if live is None or (unpublish and not live.value.is_published):
            effects: list[Found] = []
        elif unpublish:
            effects = [Found(Effect.UNPUBLISHED)]
        else:
            old = draft_of(live.value, live.version)
            effects = effects_of(old, found.draft, linked=await is_linked(service, tx))
        waiting = await tx.worklists.waiting([service])
        booked = await tx.slots.booked(service, world.clock.now())
    return UnderWay(effects=tuple(effects), waiting=waiting.get(service, 0), booked=booked)
