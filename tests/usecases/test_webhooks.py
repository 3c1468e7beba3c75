"""Webhooks in production: the runner of due work delivers events to stored webhooks."""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import msgspec
import pytest

from openers.bootstrap import Service, due_runner, open_service
from openers.domain.audit import AuditEntry
from openers.domain.events import Event
from openers.domain.webhooks import Webhook
from openers.outbound.webhook_sender import HttpWebhookSender
from openers.server import Application
from openers.system import SystemClock
from openers.usecases.due import CLAIMED_FOR
from openers.usecases.events.webhooks import DELIVER, plan_deliveries
from openers.usecases.ports.events import WebhookMessage
from openers.usecases.ports.transaction import DueItem, Store, Tx
from openers.usecases.world import World
from tests.kit.run.listener import Listener, listening
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.running import entry, settings_for
from tests.kit.store.outside import execute, fetch

pytestmark = pytest.mark.anyio
PRODUCTION = {
    "mode": "production",
    "world": "live",
    "base_url": "https://referrals.example",
    "clamd_url": "unix:/run/clamd",
}


@pytest.fixture
async def listener() -> AsyncGenerator[Listener]:
    """Run a listener on a free port."""
    async with listening() as heard:
        yield heard


@pytest.fixture
async def production(empty_url: str, keys: Path) -> AsyncGenerator[Service]:
    """Run a service in production on each kind of database, without its runner of due work."""
    service = await open_service(settings_for(empty_url, keys, **PRODUCTION))
    yield service
    await service.close()
    await service.world.store.close()


async def add_events(world: World, count: int) -> None:
    """Record `count` events."""
    async with world.for_call(entry()).begin("act") as tx:
        for version in range(1, count + 1):
            event = Event(act="act", at=world.clock.now(), by="x", kind="referral", key="1", version=version)
            await tx.events.append(event)


async def add_webhooks(world: World, *urls: str) -> None:
    """Store webhooks without delivered events, as an administrator would."""
    async with world.for_call(entry()).begin("add webhooks") as tx:
        for number, url in enumerate(urls):
            await tx.webhooks.put(Webhook(id=f"hook-{number}", url=url, secret="0123456789abcdef", sent=0))


async def test_a_service_in_production_delivers_to_a_stored_webhook(
    empty_url: str, keys: Path, listener: Listener
) -> None:
    async def open_it() -> Service:
        return await open_service(settings_for(empty_url, keys, **PRODUCTION))

    application = Application(open_it)
    world = (await application.start()).world
    await add_webhooks(world, listener.url)
    await add_events(world, 1)
    await asyncio.wait_for(listener.heard.wait(), HANGS_AFTER_S)
    await application.stop()
    ((_, body),) = listener.got
    sent = msgspec.json.decode(body)
    assert (sent["number"], sent["world"], sent["act"]) == (1, "live", "act")


async def test_a_look_of_the_runner_plans_a_delivery_and_begins_it(production: Service, listener: Listener) -> None:
    await add_webhooks(production.world, listener.url)
    await add_events(production.world, 1)
    runner = production.runner()
    assert await runner.look() == 1
    await runner.finish()
    assert listener.numbers == [1]


async def test_a_webhook_that_cannot_be_read_holds_up_no_other_work(production: Service) -> None:
    world, heard = production.world, list[str]()
    await execute(production.settings.database_url, "INSERT INTO webhooks (id, body) VALUES ('bad', ?)", b"{}")

    async def _ring(item: DueItem, world: World) -> None:
        heard.append(item.key)
        async with world.begin("ring") as tx:
            await tx.due.done(item)

    async with world.for_call(entry()).begin("add") as tx:
        await tx.due.add("ring", "1", world.clock.now())
    runner = due_runner(world, production.metrics, {"ring": _ring})
    assert await runner.look() == 1
    await runner.finish()
    assert heard == ["1"]


async def test_a_secret_of_an_older_release_signs_by_its_characters(listener: Listener) -> None:
    webhook = Webhook(id="hook", url=listener.url, secret="whsec_my-own-secret-1234", sent=0)
    assert await HttpWebhookSender(SystemClock()).send(webhook, [WebhookMessage(1, b"{}")]) == (1, "")
    ((headers, body),) = listener.got
    signed = b"%s.%s.%s" % (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    expected = b64encode(hmac.digest(b"whsec_my-own-secret-1234", signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


class Overtaken:
    """A store in which another process acts before each transaction."""

    def __init__(self, store: Store, other: Callable[[], Awaitable[object]]) -> None:
        """Run `other` before each transaction."""
        self._store, self._other = store, other
        self.read = store.read

    @asynccontextmanager
    async def begin(self, entry: AuditEntry, lock: Sequence[str]) -> AsyncGenerator[Tx]:
        """Begin a transaction after the other process has acted."""
        await self._other()
        async with self._store.begin(entry, lock) as tx:
            yield tx


async def test_a_delivery_that_another_process_has_begun_is_not_planned_again(production: Service) -> None:
    world, url = production.world.for_call(entry()), production.settings.database_url
    planned = "SELECT key, attempt, claimed_until > due_at FROM due WHERE kind = ?"
    await add_webhooks(world, "http://127.0.0.1:9/none")
    await plan_deliveries(world)
    assert await fetch(url, planned, DELIVER) == []
    await add_events(world, 1)

    async def _begin_delivery() -> None:
        await plan_deliveries(world)
        async with world.begin("claim") as tx:
            now = world.clock.now()
            assert len(await tx.due.claim(DELIVER, now, now + CLAIMED_FOR, 1)) == 1

    overtaken = cast("Store", Overtaken(world.store, _begin_delivery))
    await plan_deliveries(msgspec.structs.replace(world, store=overtaken))
    assert await fetch(url, planned, DELIVER) == [("hook-0", 1, True)]


async def test_a_delivery_ends_when_its_time_is_over(listener: Listener) -> None:
    webhook = Webhook(id="hook", url=listener.url, secret="0123456789abcdef", sent=0)
    messages = [WebhookMessage(number, b"{}") for number in (3, 4, 6)]
    assert await HttpWebhookSender(SystemClock(), one_delivery_s=0).send(webhook, messages) == (3, "")
    assert await HttpWebhookSender(SystemClock()).send(webhook, messages[1:]) == (6, "")
    assert listener.numbers == [3, 4, 6]
