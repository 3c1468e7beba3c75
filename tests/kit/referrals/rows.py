"""The database rows that bookings change, for a comparison before and after a call."""

from __future__ import annotations

from typing import Any

from tests.kit.referrals.rig import Rig
from tests.kit.store.outside import fetch
from tests.kit.store.outside import tables as all_of

TABLES = ("referrals", "history", "slots", "claims", "events", "pas_links", "polls", "counters")
Rows = dict[str, list[tuple[Any, ...]]]


async def rows(desk: Rig, *tables: str) -> Rows:
    """Return the rows of these tables; by default those of all tables that bookings change."""
    return await all_of(desk.run.service.settings.database_url, *(tables or TABLES))


async def states(desk: Rig, service: str | None = None) -> dict[str, str]:
    """Return the state of each slot by its PAS id."""
    found = await fetch(desk.run.service.settings.database_url, "SELECT pas_id, state, service FROM slots")
    return {pas_id: state for pas_id, state, of in found if service in (None, str(of))}


async def claimed(desk: Rig) -> int:
    """Return the number of claims, that is of bookings and cancellations in progress."""
    return len((await rows(desk, "claims"))["claims"])


async def acts(desk: Rig) -> list[tuple[str, str, int]]:
    """Return the events after the creation of referrals, in order: act, referral, new version."""
    async with desk.world.read() as tx:
        events = await tx.events.since(0)
    return [(each.act, each.key, each.version) for each in events if each.act != "create"]
