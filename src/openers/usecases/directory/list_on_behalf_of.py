"""The clinicians for whom a provider clinician's administrator may act (A040). Source: rules chapter 4 (A040), 2.1."""

from __future__ import annotations

from openers.domain.directory import User
from openers.domain.principal import Principal
from openers.domain.sessions.professional import act_for_fault
from openers.usecases.world import World


async def list_on_behalf_of(by: Principal, world: World) -> list[User]:
    """Return the clinicians for whom `by` may act, sorted by id."""
    async with world.read() as tx:
        admin = await tx.directory.user(by.user)
        everybody = await tx.directory.users_at(by.organisation)
    if admin is None:
        return []
    return [user for user in everybody if act_for_fault(admin, user, by.organisation) is None]
