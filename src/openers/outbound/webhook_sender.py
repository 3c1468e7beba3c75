"""Send events to webhooks over HTTP, signed as in Standard Webhooks. Implements the port `WebhookSender`.

Redirects are not followed and no cookie is stored. Each delivery has its own session: receivers close idle connections,
and an event sent into a closed one would fail its first attempt. Source: standardwebhooks.com, ADR 0046.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from time import monotonic
from typing import Final

import aiohttp

from openers.domain.clock import Clock, Instant
from openers.domain.webhooks import Webhook, key_of
from openers.usecases.ports.events import Delivery, WebhookMessage

TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
ONE_DELIVERY_S: Final = 120.0
"""Seconds after which a delivery sends no further events: shorter than a runner's claim on an item."""
TAKEN: Final = range(200, 300)
"""Statuses with which an address accepts an event."""


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message with this id, sent at `timestamp` (Unix time in seconds): `v1,` and base64."""
    signed = b"%s.%d.%s" % (message.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def sign_body(secret: str, body: bytes) -> str:
    """Return the older signature, of the body only: `sha256=` and hexadecimal digits."""
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def headers_of(webhook: Webhook, message: WebhookMessage, now: Instant) -> dict[str, str]:
    """Return the headers of one attempt. The id of a message is the same in each attempt."""
    message_id, timestamp = f"{webhook.id}-{message.number}", int(now.timestamp())
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(webhook.secret, message_id, timestamp, message.body),
        "X-OpenERS-Webhook": webhook.id,
        "X-OpenERS-Event": str(message.number),
        "X-OpenERS-Signature": sign_body(webhook.secret, message.body),
    }


class HttpWebhookSender:
    """Sends each event in an HTTP `POST`."""

    def __init__(self, wall: Clock, one_delivery_s: float = ONE_DELIVERY_S) -> None:
        """Store `wall`, the real clock; after `one_delivery_s` seconds a delivery sends no further event."""
        self._wall, self._one_delivery_s = wall, one_delivery_s

    async def send(self, webhook: Webhook, messages: Sequence[WebhookMessage]) -> Delivery:
        """Send messages in order, until the address refuses one or the time for one delivery is over."""
        taken, ends = 0, monotonic() + self._one_delivery_s
        async with aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session:
            for message in messages:
                problem = await self._send(webhook, message, session)
                if problem:
                    return Delivery(taken, problem)
                taken = message.number
                if monotonic() >= ends:
                    break
        return Delivery(taken, "")

    async def _send(self, webhook: Webhook, message: WebhookMessage, session: aiohttp.ClientSession) -> str:
        """Send one event; return why it failed, empty if it succeeded."""
        headers = headers_of(webhook, message, self._wall.now())
        try:
            async with session.post(webhook.url, data=message.body, headers=headers, allow_redirects=False) as reply:
                return "" if reply.status in TAKEN else f"it returned {reply.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"no reply: {type(error).__name__}"
