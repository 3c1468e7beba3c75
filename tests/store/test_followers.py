"""Records for followers of events, on both databases: webhooks, and the number of the last event."""

from __future__ import annotations

import msgspec
import pytest

from openers.domain.events import Event
from openers.domain.webhooks import Webhook
from openers.usecases.ports.transaction import Store
from tests.kit.store.records import NOON, entry

pytestmark = pytest.mark.anyio


async def test_webhooks_are_kept_replaced_and_forgotten(store: Store) -> None:
    first = Webhook(id="b", url="http://host/", secret="s", sent=0)
    async with store.begin(entry("register")) as tx:
        for webhook in (first, Webhook(id="a", url="http://host/", secret="s", sent=4)):
            await tx.webhooks.put(webhook)
    moved = msgspec.structs.replace(first, sent=3, problem="it returned 500")
    async with store.begin(entry("tell")) as tx:
        await tx.webhooks.put(moved)
    async with store.read() as tx:
        assert [each.id for each in await tx.webhooks.all()] == ["a", "b"]
        assert await tx.webhooks.get("b") == moved
        assert await tx.webhooks.get("c") is None
    async with store.begin(entry("remove")) as tx:
        assert [await tx.webhooks.remove("b") for _ in range(2)] == [True, False]


async def test_the_last_event_is_known_by_its_number(store: Store) -> None:
    event = Event(act="book", at=NOON, by="x", kind="referral", key="1", version=3)
    async with store.read() as tx:
        assert await tx.events.last() == 0
    async with store.begin(entry("book")) as tx:
        await tx.events.append(event)
        await tx.events.append(event)
    async with store.read() as tx:
        assert await tx.events.last() == 2
        assert [each.number for each in await tx.events.since(1)] == [2]
