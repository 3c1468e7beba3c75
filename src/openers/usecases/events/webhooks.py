"""Webhooks: addresses to which each event is sent, in order, at least once. Register, replay, remove, deliver.

`plan_deliveries` plans a delivery for each webhook with unsent events; the runner of due work calls it before each
look. A failed delivery is retried with doubling pauses by the world's clock. Source: ADR 0046.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from openers.domain.errors import Unavailable
from openers.domain.webhooks import PREFIX, Webhook, signing_key
from openers.usecases.due import job
from openers.usecases.events.feed import write_event
from openers.usecases.ports.events import Delivery, WebhookMessage
from openers.usecases.ports.transaction import DueItem
from openers.usecases.world import World

DELIVER: Final = "tell webhook"
"""Kind of due work; its key is the webhook's id."""
NEW_KEY_BYTES: Final = 32
"""Length of the key in a generated secret, in bytes."""
MOST_WEBHOOKS: Final = 100
"""Maximum number of webhooks in one world."""
LONGEST_URL: Final = 2000
LONGEST_SECRET: Final = 256
"""Maximum length of an address (2000) and of a secret (256), in characters."""
LAST_NUMBER: Final = 2**63 - 1
"""The greatest number that an event can have."""


class InvalidRegistration(ValueError):
    """A registration is not valid. The text names the field, its value and the permitted values."""


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to send events to an address. `since` is the event after which to start; by default the latest one.

    `secret` signs each delivery. If none is given, the service generates one. Libraries of Standard Webhooks expect a
    key in base64 after `whsec_`; any other text is itself the key.
    """

    url: Annotated[str, msgspec.Meta(max_length=LONGEST_URL)]
    since: Annotated[int, msgspec.Meta(ge=0, le=LAST_NUMBER)] | None = None
    secret: Annotated[str, msgspec.Meta(max_length=LONGEST_SECRET)] | None = None


async def register(wanted: Registration, world: World) -> Webhook:
    """Register a webhook. Raises InvalidRegistration, RecordLocked."""
    _check(wanted)
    async with world.begin("register webhook", lock=("register webhook",)) as tx:
        if len(await tx.webhooks.all()) >= MOST_WEBHOOKS:
            raise InvalidRegistration(f"url: a world has at most {MOST_WEBHOOKS} webhooks; remove one")
        since = await tx.events.last() if wanted.since is None else wanted.since
        secret = wanted.secret or PREFIX + b64encode(secrets.token_bytes(NEW_KEY_BYTES)).decode()
        webhook = Webhook(id=str(world.ids.uuid()), url=wanted.url, secret=secret, sent=since)
        await tx.webhooks.put(webhook)
        await tx.due.add(DELIVER, webhook.id, world.clock.now())
    return webhook


async def replay(webhook: str, first: int, world: World) -> Webhook | None:
    """Send a webhook all events from the event `first` on again; return `None` if the webhook does not exist."""
    async with world.begin("replay webhook", lock=(_lock(webhook),)) as tx:
        known = await tx.webhooks.get(webhook)
        if known is None:
            return None
        rewound = msgspec.structs.replace(known, sent=max(0, first - 1), problem="")
        await tx.webhooks.put(rewound)
        await tx.due.add(DELIVER, webhook, world.clock.now())
    return rewound


async def remove(webhook: str, world: World) -> bool:
    """Remove a webhook; return whether it existed."""
    async with world.begin("remove webhook", lock=(_lock(webhook),)) as tx:
        return await tx.webhooks.remove(webhook)


async def plan_deliveries(world: World) -> None:
    """Plan a delivery for each webhook that has unsent events and no planned delivery.

    Raises RecordLocked, Unavailable. If several processes find the same webhook, only one plans it: with a second plan,
    two runners would deliver at the same time.
    """
    async with world.read() as tx:
        known = await tx.webhooks.all()
        last = await tx.events.last() if known else 0
        behind = [hook.id for hook in known if hook.sent < last and not await tx.due.planned(DELIVER, hook.id)]
    if not behind:
        return
    async with world.begin("plan webhooks", lock=("plan webhooks",)) as tx:
        for webhook in behind:
            if not await tx.due.planned(DELIVER, webhook):
                await tx.due.add(DELIVER, webhook, world.clock.now())


@job(DELIVER, plan=plan_deliveries)
async def deliver(item: DueItem, world: World) -> None:
    """Send a webhook its unsent events. Raises Unavailable if it accepts none of them."""
    async with world.read() as tx:
        webhook = await tx.webhooks.get(item.key)
        events = () if webhook is None else await world.feed.after(webhook.sent, tx)
    if webhook is None:
        async with world.begin("webhook is gone") as tx:
            await tx.due.done(item)
        return
    messages = [WebhookMessage(event.number, write_event(event, world.public_name)) for event in events]
    delivery = await world.sender.send(webhook, messages)
    await _record(item, webhook, delivery, world)
    if delivery.problem and not delivery.taken:
        raise Unavailable(f"webhook {webhook.id}: {delivery.problem}")


async def _record(item: DueItem, webhook: Webhook, delivery: Delivery, world: World) -> None:
    """Store the progress of a delivery unless the webhook was rewound; end the item if it progressed or succeeded."""
    async with world.begin(DELIVER, lock=(_lock(webhook.id),)) as tx:
        current = await tx.webhooks.get(webhook.id)
        if current is not None and current.sent == webhook.sent:  # otherwise it was rewound and is planned again
            sent = delivery.taken or webhook.sent
            await tx.webhooks.put(msgspec.structs.replace(current, sent=sent, problem=delivery.problem))
        if delivery.taken or not delivery.problem:
            await tx.due.done(item)


def _check(wanted: Registration) -> None:
    if not _is_address(wanted.url):
        raise InvalidRegistration(f"url: {wanted.url!r} must be an http or https address")
    if wanted.secret is not None:
        try:
            signing_key(wanted.secret)
        except ValueError as error:
            raise InvalidRegistration(f"secret: {error}") from error


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _lock(webhook: str) -> str:
    return f"webhook/{webhook}"
