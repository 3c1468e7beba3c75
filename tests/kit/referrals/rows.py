"""Everything that bookings change, as rows: what is compared before and after."""

from __future__ import annotations

from typing import Any

from tests.kit.referrals.rig import Rig
from tests.kit.store.outside import fetch
from tests.kit.store.outside import tables as all_of

TABLES = ("referrals", "history", "slots", "claims", "events", "pas_links", "polls", "counters")
Rows = dict[str, list[tuple[Any, ...]]]


async def rows(desk: Rig, *tables: str) -> Rows:
    """The rows of these tables, or of all that bookings change."""
    return await all_of(desk.run.service.settings.database_url, *(tables or TABLES))


async def states(desk: Rig, service: str | None = None) -> dict[str, str]:
    """The state of each slot, by the PAS's own id."""
    found = await fetch(desk.run.service.settings.database_url, "SELECT pas_id, state, service FROM slots")
    return {pas_id: state for pas_id, state, of in found if service in (None, str(of))}


async def claimed(desk: Rig) -> int:
    """How many acts are under way."""
    return len((await rows(desk, "claims"))["claims"])


async def acts(desk: Rig) -> list[tuple[str, str, int]]:
    """What has happened since referrals were created, in order: act, referral, the version that it made."""
    async with desk.world.read() as tx:
        events = await tx.events.since(0)
    return [(each.act, each.key, each.version) for each in events if each.act != "create"]
