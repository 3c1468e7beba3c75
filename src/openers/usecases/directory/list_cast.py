"""List the people, services and organisations of a world, for the home page of test mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from openers.domain.directory import Organisation, Service, User
from openers.usecases.world import World

MOST_SERVICES: Final = 100
MOST_PEOPLE: Final = 100
"""A page shows no more; the demo world has thirty of each."""


class CastList(msgspec.Struct, frozen=True):
    """The first active people, the first published services, and the organisations at which they are."""

    people: Sequence[User]
    services: Sequence[Service]
    organisations: Sequence[Organisation]


async def list_cast(world: World) -> CastList:
    """Return the cast of a world, each list in order of names."""
    async with world.read() as tx:
        people = await tx.directory.find_users("", MOST_PEOPLE)
        services = await tx.directory.published(0, MOST_SERVICES)
        places = {role.organisation for user in people for role in user.roles} | {one.organisation for one in services}
        found = [await tx.directory.organisation(ods) for ods in sorted(places)]
    organisations = [each for each in found if each is not None]
    return CastList(
        sorted(people, key=lambda each: each.name),
        sorted(services, key=lambda each: each.name),
        sorted(organisations, key=lambda each: each.name),
    )
