"""The portal's store, on both databases: migration, versions, and members of a partner at the same time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Final

import anyio
import pytest
from sqlalchemy import inspect, update

from openers_portal.access import Role
from openers_portal.rules.items import Item, Kind, State
from openers_portal.rules.partners import Partner
from openers_portal.store.items import Edit, Outdated
from openers_portal.store.partners import LastManager, Member, Taken
from openers_portal.store.portal_store import PortalStore
from openers_portal.store.tables import SCHEMA, STEPS, TABLES, NewerStore
from openers_web.database import Database

pytestmark = pytest.mark.anyio
NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
ADA, BEN = Member("1", "Ada", Role.MANAGER), Member("2", "Ben", Role.MANAGER)


def _partner(code: str) -> Partner:
    return Partner(name="Moor", code=code, address="1 Mill Lane", contact="Ada", email="ada@moor.example")


@pytest.fixture
async def store(empty_url: str) -> AsyncGenerator[PortalStore]:
    """Provide a migrated store."""
    made = PortalStore(empty_url, (), lambda: NOW)
    await made.open()
    yield made
    await made.close()


async def test_a_migrated_store_has_all_tables_and_opens_again(empty_url: str) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(3):  # processes that start together
            tasks.start_soon(_open, empty_url)
    database = Database(empty_url, TABLES)
    names = await database.run(lambda db: set(inspect(db).get_table_names()))
    assert names == set(TABLES.tables)
    await database.run(lambda db: db.execute(update(SCHEMA).values(version=len(STEPS) + 1)))
    await database.close()
    with pytest.raises(NewerStore):
        await _open(empty_url)


async def _open(url: str) -> None:
    store = PortalStore(url, (), lambda: NOW)
    try:
        await store.open()
    finally:
        await store.close()


async def test_of_editors_who_save_at_the_same_time_one_wins(store: PortalStore) -> None:
    first = await store.items.save("", Kind.NEWS, Item(title="One", text="x"), State.PUBLISHED, Edit("Ada", 0))
    lost = list[Exception]()

    async def _save(name: str) -> None:
        try:
            await store.items.save(first.id, Kind.NEWS, Item(title=name, text="x"), State.PUBLISHED, Edit(name, 1))
        except Exception as error:
            lost.append(error)

    async with anyio.create_task_group() as tasks:
        for name in ("Ada", "Ben", "Cleo"):
            tasks.start_soon(_save, name)
    assert [type(each) for each in lost] == [Outdated, Outdated]
    assert [each.version for each in await store.items.versions(first.id)] == [2, 1]


async def test_a_code_belongs_to_one_partner(store: PortalStore) -> None:
    await store.partners.register(_partner("X26"), ADA)
    with pytest.raises(Taken):
        await store.partners.register(_partner("X26"), BEN)
    assert await store.partners.roles("2") == {}


async def test_two_managers_who_leave_at_the_same_time_leave_one_behind(store: PortalStore) -> None:
    id = await store.partners.register(_partner("X27"), ADA)
    await store.partners.put_member(id, BEN)
    refused = list[str]()

    async def _leave(subject: str) -> None:
        try:
            await store.partners.remove_member(id, subject)
        except LastManager:
            refused.append(subject)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_leave, "1")
        tasks.start_soon(_leave, "2")
    assert len(refused) == 1
    assert [each.subject for each in await store.partners.members(id)] == refused


async def test_answers_that_are_sent_at_the_same_time_are_stored_one_after_the_other(store: PortalStore) -> None:
    """The last ones stay, whole; those of another form or environment are not touched."""
    await store.answers.put(("1", "INT1", "H01"), {"status": "Open"}, "Ben")
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            values = {"controls": str(number), "notes": str(number)}
            tasks.start_soon(store.answers.put, ("1", "", "H01"), values, "Ada")
    found = await store.answers.of("1")
    assert list(found) == ["H01"]
    assert found["H01"].values["controls"] == found["H01"].values["notes"]
    assert (await store.answers.of("1", "INT1"))["H01"].by == "Ben"
