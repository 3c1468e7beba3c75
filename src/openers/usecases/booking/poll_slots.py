"""Poll the slots of each linked service: changes since the last poll, and all slots once a day.

If a PAS does not answer, the poll is retried with doubling pauses; the known slots stay. Source: rules chapter 7.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.errors import PasRefused, PasSilent
from openers.domain.identifiers import ServiceId
from openers.domain.services.poll_report import PollReport, rows_of
from openers.domain.slots import PollState
from openers.usecases.due import job, system_entry
from openers.usecases.ports.transaction import DueItem, Tx
from openers.usecases.world import World

POLL: Final = "poll slots"
"""Kind of due work; its key is the service."""
OVERLAP: Final = timedelta(minutes=5)
"""How far a poll reaches back before the previous one, to allow for clock differences."""
LONGEST_PROBLEM: Final = 250
"""Characters of the reason for a failed poll."""
WHOLE_EVERY: Final = timedelta(hours=24)


@job(POLL, repeats=True)
async def poll_service(item: DueItem, world: World) -> None:
    """Poll the service `item.key` and plan the next poll. Raises PasSilent, PasRefused: then it is retried."""
    service = ServiceId(item.key)
    await poll_now(service, world)
    async with world.begin("plan poll") as tx:
        await tx.due.add(POLL, service, world.clock.now() + world.polling.every)


async def poll_now(service: ServiceId, world: World, *, act: str = POLL, whole: bool = False) -> int:
    """Poll a service now, all slots if `whole`, and report on it; return how many changed.

    `act` is the name in the audit. Raises PasSilent, PasRefused.
    """
    now = world.clock.now()
    async with world.read() as tx:
        link, state = await tx.links.get(service), await tx.links.polled(service)
        days = await _range_days(service, tx)
    if link is None or not link.active:
        return 0
    whole = whole or state is None or now - state.whole >= WHOLE_EVERY
    since = None if state is None or whole else state.polled - OVERLAP
    horizon = world.polling.horizon if days is None else timedelta(days=days)
    report = PollReport(service=service, at=now, start=now, end=now + horizon, since=since)
    try:
        told = await world.pas.slots(link, now, now + horizon, since)
    except (PasSilent, PasRefused) as error:
        reporting = f"report on {POLL}"  # an act of its own: the call that has asked for the poll is refused
        of_report = world.for_call(system_entry(reporting, world.wall.now()))
        async with of_report.begin(reporting, lock=(f"polling/{service}",)) as tx:
            await tx.links.put_report(msgspec.structs.replace(report, problem=str(error)[:LONGEST_PROBLEM]))
        raise
    async with world.begin(act, lock=(f"polling/{service}",)) as tx:
        if await tx.links.get(service) != link:
            return 0  # linked to another PAS in the meantime, whose own poll is planned
        whole_at = now if state is None or whole else state.whole
        if not await tx.links.put_polled(PollState(service, now, whole_at), state):
            return 0  # polled in the meantime, or a full poll was requested: this reply may be out of date
        outcome = await tx.slots.poll(service, told, now, whole=whole)
        rows, changed = rows_of(told, outcome.became), outcome.changed
        counts = {"sent": len(told), "changed": changed, "vanished": outcome.vanished, "rows": rows}
        await tx.links.put_report(msgspec.structs.replace(report, **counts))
        return changed


async def _range_days(service: ServiceId, tx: Tx) -> int | None:
    """Return how far ahead a service is polled, in days; a draft counts as long as there is no live service."""
    live = await tx.directory.service(service)
    if live is not None:
        return live.value.slot_rules.polling_range_days
    draft = await tx.registers.drafts.get(service)
    rules = None if draft is None else draft.value.slot_rules
    return None if rules is None else rules.polling_range_days
