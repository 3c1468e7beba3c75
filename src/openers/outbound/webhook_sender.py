"""Sends events to webhooks over HTTP, signed by the scheme of Standard Webhooks. Implements the port `WebhookSender`.

Redirects are not followed and no cookie is kept. Each delivery has a session of its own: the receiver closes idle
connections, and an event that is sent into one would fail its first attempt. Source: standardwebhooks.com, ADR 0046.
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
"""How long one delivery goes on with further events, in seconds: shorter than a runner has an item to itself."""
TAKEN: Final = range(200, 300)
"""Statuses by which an address says that it has taken an event."""


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message with this id, sent at `timestamp` (Unix time in seconds): `v1,` and base64."""
    signed = b"%s.%d.%s" % (message.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def sign_body(secret: str, body: bytes) -> str:
    """Return the older signature, of the body by itself: `sha256=` and hexadecimal digits."""
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
    """Sends by HTTP `POST`, one event a call."""

    def __init__(self, wall: Clock, one_delivery_s: float = ONE_DELIVERY_S) -> None:
        """`wall` shows the real time; after `one_delivery_s` seconds a delivery sends no further event."""
        self._wall, self._one_delivery_s = wall, one_delivery_s

    async def send(self, webhook: Webhook, messages: Sequence[WebhookMessage]) -> Delivery:
        """Send messages one by one, in order, until the address refuses one or the time for one delivery is over."""
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
        """Send one event; why it was not taken, empty if it was."""
        headers = headers_of(webhook, message, self._wall.now())
        try:
            async with session.post(webhook.url, data=message.body, headers=headers, allow_redirects=False) as reply:
                return "" if reply.status in TAKEN else f"it answered {reply.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"no answer: {type(error).__name__}"
