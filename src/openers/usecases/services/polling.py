"""Poll the PAS of a service now, for its definer. Source: rules part 3, chapter A.6."""

from __future__ import annotations

from openers.domain.administration.administrator import Administrator
from openers.domain.errors import PasRefused, PasSilent
from openers.domain.identifiers import ServiceId
from openers.usecases.administration.refusals import PasFailed, Unfit
from openers.usecases.booking.poll_slots import poll_now
from openers.usecases.services.checking import is_linked
from openers.usecases.services.drafts import find_draft
from openers.usecases.world import World


async def poll_for_definer(service: ServiceId, by: Administrator, world: World) -> int:
    """Poll all slots of a service or a draft now; return how many changed.

    Raises NotAllowed, NoSuchRecord, Unfit, PasFailed, RecordLocked, Unavailable.
    """
    world.entry.services = (service,)
    async with world.read() as tx:
        await find_draft(service, by, tx)
        if not await is_linked(service, tx):
            raise Unfit(f"service {service} has no PAS", "path", "link it first: PUT /admin/v1/pas-links")
    try:
        return await poll_now(service, world, act=f"poll service {service}", whole=True)
    except (PasSilent, PasRefused) as error:
        cure = "check that the PAS runs at the address of its link"
        raise PasFailed(f"the PAS of service {service} failed: {error}", "path", cure) from error
