"""The clinicians for whom a provider clinician's administrator may act (A040). Source: rules chapter 4 (A040), 2.1."""

from __future__ import annotations

from openers.domain.directory import User
from openers.domain.identifiers import OdsCode
from openers.domain.principal import SPC, Principal
from openers.usecases.world import World


def may_act_for(admin: User, clinician: User, organisation: OdsCode) -> bool:
    """Return whether `admin` may act for `clinician`: an active SPC of the organisation who shares a workgroup."""
    return (
        clinician.active
        and clinician.holds(SPC, organisation)
        and not admin.workgroups_at(organisation).isdisjoint(clinician.workgroups_at(organisation))
    )


async def list_on_behalf_of(by: Principal, world: World) -> list[User]:
    """Return the clinicians for whom `by` may act, sorted by id."""
    async with world.read() as tx:
        admin = await tx.directory.user(by.user)
        everybody = await tx.directory.users_at(by.organisation)
    return [user for user in everybody if admin is not None and may_act_for(admin, user, by.organisation)]
