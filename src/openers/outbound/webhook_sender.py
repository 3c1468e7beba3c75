"""Sends events to webhooks over HTTP, signed. Implements the port `WebhookSender`; bootstrap makes one for all of them.

Redirects are not followed and no cookie is kept. Each delivery has a session of its own: the receiver closes idle
connections, and an event that is sent into one would fail its first attempt.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from time import monotonic
from typing import Final

import aiohttp

from openers.domain.webhooks import Webhook
from openers.usecases.ports.events import Delivery, WebhookMessage

SIGNATURE: Final = "X-OpenERS-Signature"
TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
ONE_DELIVERY_S: Final = 120.0
"""How long one delivery goes on with further events, in seconds: shorter than a runner has an item to itself."""
TAKEN: Final = range(200, 300)
"""Statuses by which an address says that it has taken an event."""
_PREFIX: Final = "sha256="


def sign(secret: str, body: bytes) -> str:
    """The signature of a body: HMAC with SHA-256 under the webhook's secret, in hexadecimal."""
    return _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class HttpWebhookSender:
    """Sends by HTTP `POST`, one event a call."""

    def __init__(self, one_delivery_s: float = ONE_DELIVERY_S) -> None:
        """`one_delivery_s`: after so many seconds a delivery sends no further event."""
        self._one_delivery_s = one_delivery_s

    async def send(self, webhook: Webhook, messages: Sequence[WebhookMessage]) -> Delivery:
        """Send messages one by one, in order, until the address refuses one or the time for one delivery is over."""
        taken, ends = 0, monotonic() + self._one_delivery_s
        async with aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session:
            for message in messages:
                problem = await _send(webhook, message, session)
                if problem:
                    return Delivery(taken, problem)
                taken = message.number
                if monotonic() >= ends:
                    break
        return Delivery(taken, "")


async def _send(webhook: Webhook, message: WebhookMessage, session: aiohttp.ClientSession) -> str:
    """Send one event; why it was not taken, empty if it was."""
    headers = {
        "Content-Type": "application/json",
        "X-OpenERS-Webhook": webhook.id,
        "X-OpenERS-Event": str(message.number),
        SIGNATURE: sign(webhook.secret, message.body),
    }
    try:
        async with session.post(webhook.url, data=message.body, headers=headers, allow_redirects=False) as reply:
            return "" if reply.status in TAKEN else f"it answered {reply.status}"
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return f"no answer: {type(error).__name__}"
