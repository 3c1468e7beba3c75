"""A store older than worklists: due work, planned by the migration, lists its referrals."""

from __future__ import annotations

import pytest

from openers.domain.referral_worklists import Worklist
from openers.store.opening import migrate, open_store
from openers.usecases.due import system_entry
from openers.usecases.worklists.list_old_referrals import AT_ONCE, LIST_OLD, list_old_referrals
from tests.kit.service.running import Running
from tests.kit.store.crowd import crowd, settle
from tests.kit.store.outside import execute, fetch
from tests.kit.store.records import KEY, NOON, caller, entry

pytestmark = pytest.mark.anyio

COLUMNS = "provider_list, referrer_list, letter_list, rank, since, service, specialty, site, clinician"
FORGOTTEN = ", ".join(f"{each.strip()} = NULL" for each in COLUMNS.split(","))


async def columns(url: str) -> list[tuple[object, ...]]:
    """Return the list columns of the referrals."""
    return sorted(await fetch(url, f"SELECT ubrn, version, {COLUMNS} FROM referrals"), key=str)


async def test_old_referrals_are_listed_in_portions(on_both: Running) -> None:
    """All old referrals are listed in two portions, with unchanged versions."""
    world, url = on_both.service.world, on_both.service.settings.database_url
    await settle(world.store, crowd(AT_ONCE + 50))
    expected = await columns(url)
    await execute(url, f"UPDATE referrals SET {FORGOTTEN}")
    async with world.for_call(entry()).begin("plan") as tx:
        await tx.due.add(LIST_OLD, "", world.clock.now())
    portions = 0
    while True:
        own = world.for_call(system_entry("Test", world.wall.now()))
        async with own.begin("claim") as tx:
            items = await tx.due.claim(LIST_OLD, world.clock.now(), NOON.replace(year=2099), 32)
        if not items:
            break
        for item in items:
            await list_old_referrals(item, own)
        portions += 1
    assert portions == 2
    assert await columns(url) == expected


async def test_the_migration_plans_it_where_there_are_referrals(empty_url: str) -> None:
    """The migration of a new store plans no work."""
    await migrate(empty_url)
    assert not await fetch(empty_url, "SELECT key FROM due WHERE kind = ?", LIST_OLD)
    store = await open_store(empty_url, KEY)
    async with store.read() as tx:
        assert not await tx.worklists.of_referrer(Worklist.AWAITING_BOOKING, caller(), 10)
    await store.close()
