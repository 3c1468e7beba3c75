"""Webhooks: registered, sent to as due work, replayed. For test mode alone.

`wake` looks whether any webhook is behind, and plans the delivery; the runner of due work then runs `Courier.deliver`,
which sends what is new, one call for each event, in order. What is not taken is retried with doubling pauses, counted
by the world's clock.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from openers.domain.errors import Unavailable
from openers.domain.events import Event
from openers.domain.webhooks import Webhook
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World
from openers.worlds.events.feed import Feed, write_event
from openers.worlds.refusals import BadCall

KIND: Final = "tell webhook"
"""The kind of due work by which a webhook is told."""
SIGNATURE: Final = "X-OpenERS-Signature"
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
TAKEN: Final = range(200, 300)
"""Statuses by which an address says that it has taken an event."""
SHORTEST_SECRET: Final = 16
"""How long a secret has to be, in characters."""
_PREFIX: Final = "sha256="


class WebhookRefused(BadCall):
    """A webhook can't be registered so. The text names the field, its value and what it must be."""


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where events are to be sent. `since` is the event after which to begin, the last one if it is not given.

    `secret` signs what is sent; one is made if none is given.
    """

    url: str
    since: int | None = None
    secret: str | None = None


def sign(secret: str, body: bytes) -> str:
    """The signature of a body: HMAC with SHA-256 under the webhook's secret, in hexadecimal."""
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def register(wanted: Registration, world: World) -> Webhook:
    """Register a webhook. Raises WebhookRefused."""
    _check(wanted)
    async with world.begin("register webhook") as tx:
        since = await tx.events.last() if wanted.since is None else wanted.since
        secret = wanted.secret or secrets.token_urlsafe(32)
        webhook = Webhook(id=str(world.ids.uuid()), url=wanted.url, secret=secret, sent=since)
        await tx.webhooks.put(webhook)
        await tx.due.add(KIND, webhook.id, world.clock.now())
    return webhook


async def replay(webhook: str, first: int, world: World) -> Webhook | None:
    """Send a webhook everything from the event `first` on, again; `None` if there is no such webhook."""
    async with world.begin("replay webhook", lock=(_lock(webhook),)) as tx:
        known = await tx.webhooks.get(webhook)
        if known is None:
            return None
        rewound = msgspec.structs.replace(known, sent=max(0, first - 1), problem="")
        await tx.webhooks.put(rewound)
        await tx.due.add(KIND, webhook, world.clock.now())
    return rewound


async def remove(webhook: str, world: World) -> bool:
    """Forget a webhook; whether it was there."""
    async with world.begin("remove webhook", lock=(_lock(webhook),)) as tx:
        return await tx.webhooks.remove(webhook)


async def wake(world: World) -> None:
    """Plan the delivery to every webhook that is behind and not planned yet."""
    async with world.read() as tx:
        behind = [
            each.id
            for each in await tx.webhooks.all()
            if each.sent < await tx.events.last() and not await tx.due.planned(KIND, each.id)
        ]
    if behind:
        async with world.begin("plan webhooks") as tx:
            for each in behind:
                await tx.due.add(KIND, each, world.clock.now())


class Courier:
    """Brings events to webhooks."""

    def __init__(self, feed: Feed) -> None:
        """`feed` gives the events in order."""
        self._feed = feed

    async def deliver(self, item: DueItem, world: World) -> None:
        """Send a webhook what it has not had. Raises Unavailable if it takes nothing of it: then it is retried."""
        async with world.read() as tx:
            webhook = await tx.webhooks.get(item.key)
            events = () if webhook is None else await self._feed.after(webhook.sent, tx)
        if webhook is None:
            async with world.begin("webhook is gone") as tx:
                await tx.due.done(item)
            return
        taken, problem = await _send_all(webhook, events, world)
        async with world.begin("tell webhook", lock=(_lock(webhook.id),)) as tx:
            current = await tx.webhooks.get(webhook.id)
            if current is not None and current.sent == webhook.sent:  # else it was rewound, and planned anew
                await tx.webhooks.put(msgspec.structs.replace(current, sent=taken, problem=problem))
            if not problem or taken > webhook.sent:
                await tx.due.done(item)
        if problem and taken == webhook.sent:
            raise Unavailable(f"webhook {webhook.id}: {problem}")


async def _send_all(webhook: Webhook, events: Sequence[Event], world: World) -> tuple[int, str]:
    """The number of the last event that was taken, and why the next one was not."""
    taken = webhook.sent
    async with aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session:
        for event in events:
            problem = await _send(webhook, event, world, session)
            if problem:
                return taken, problem
            taken = event.number
    return taken, ""


async def _send(webhook: Webhook, event: Event, world: World, session: aiohttp.ClientSession) -> str:
    """Send one event; why it was not taken, empty if it was."""
    body = write_event(event, world.name)
    headers = {
        "Content-Type": "application/json",
        "X-OpenERS-Webhook": webhook.id,
        "X-OpenERS-Event": str(event.number),
        SIGNATURE: sign(webhook.secret, body),
    }
    try:
        async with session.post(webhook.url, data=body, headers=headers, allow_redirects=False) as reply:
            return "" if reply.status in TAKEN else f"it answered {reply.status}"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return f"no answer: {type(error).__name__}"


def _check(wanted: Registration) -> None:
    if not _is_address(wanted.url):
        raise WebhookRefused(f"url: {wanted.url!r} must be an http or https address")
    if wanted.secret is not None and len(wanted.secret) < SHORTEST_SECRET:
        raise WebhookRefused(f"secret: it must have at least {SHORTEST_SECRET} characters")
    if wanted.since is not None and wanted.since < 0:
        raise WebhookRefused(f"since: {wanted.since} must be the number of an event, or 0")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _lock(webhook: str) -> str:
    return f"webhook/{webhook}"
