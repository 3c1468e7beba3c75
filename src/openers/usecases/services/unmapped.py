"""Which services have pairs of specialty and clinic type that are not in use on a day, and what takes their place.

Referrals keep the codes with which they were made. So they need no mapping, and are only counted: those that wait for
the provider of the service. Source: rules part 3, chapter A.10.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec

from openers.domain.administration.administrator import Administrator
from openers.domain.administration.rights import Resource
from openers.domain.identifiers import ServiceId
from openers.domain.services.code_sets import Pair, Systems, in_force, is_in_use, new_pairs
from openers.usecases.administration.code_sets import systems_on
from openers.usecases.administration.records import list_records
from openers.usecases.ports.registers import Window
from openers.usecases.world import World


class OldPair(msgspec.Struct, frozen=True):
    """A pair that is not in use, and the pairs to which the code sets map it; `None` if no set maps it."""

    pair: Pair
    new: tuple[Pair, ...] | None


class OldCodes(msgspec.Struct, frozen=True, kw_only=True):
    """A service with pairs that are not in use, and how many referrals wait for its provider."""

    service: ServiceId
    name: str
    organisation: str
    status: str
    pairs: tuple[OldPair, ...]
    waiting: int


class OldCodesPage(msgspec.Struct, frozen=True):
    """What was found among part of the services; `last` is the last of them, if there may be more."""

    found: tuple[OldCodes, ...]
    last: str | None


async def services_with_old_codes(day: date | None, window: Window, by: Administrator, world: World) -> OldCodesPage:
    """Look through part of the services that the caller may see, for a day, today by default. Raises NotAllowed."""
    services = await list_records(Resource.SERVICES, window, by, world)
    world.entry.act = "list services with old codes"
    day = day or world.clock.now().date()
    async with world.read() as tx:
        sets = await tx.registers.code_sets.active()
        mapping = new_pairs(in_force(sets, day))
        systems = systems_on(day, sets, world.reference)
        old = {each.value.id: _old_pairs(each.value.clinic_types, systems, mapping, day) for each in services}
        waiting = await tx.worklists.waiting([service for service, pairs in old.items() if pairs])
    found = tuple(
        OldCodes(
            service=each.value.id,
            name=each.value.name,
            organisation=each.value.organisation,
            status=each.value.status,
            pairs=old[each.value.id],
            waiting=waiting.get(each.value.id, 0),
        )
        for each in services
        if old[each.value.id]
    )
    return OldCodesPage(found, services[-1].key if len(services) == window.most else None)


def _old_pairs(
    pairs: tuple[Pair, ...], systems: Systems, mapping: Mapping[Pair, tuple[Pair, ...]], day: date
) -> tuple[OldPair, ...]:
    return tuple(OldPair(pair, mapping.get(pair)) for pair in pairs if not is_in_use(pair, systems, day))
