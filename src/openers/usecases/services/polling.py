"""Poll the PAS of a service now, or read the report on its last poll, for its definer. Source: rules part 3, A.6."""

from __future__ import annotations

from openers.domain.administration.administrator import Administrator
from openers.domain.errors import PasRefused, PasSilent
from openers.domain.identifiers import ServiceId
from openers.domain.services.poll_report import PollReport
from openers.usecases.administration.refusals import NoSuchRecord, PasFailed, Unfit
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


async def read_last_poll(service: ServiceId, by: Administrator, world: World) -> PollReport:
    """Return the report on the last poll of a service or a draft. Raises NotAllowed, NoSuchRecord."""
    world.entry.act = f"read last poll of service {service}"
    world.entry.services = (service,)
    async with world.read() as tx:
        await find_draft(service, by, tx)
        found = await tx.links.report(service)
    if found is None:
        raise NoSuchRecord(f"service {service} was never polled", "path", "link it to a PAS, and poll it")
    return found
