"""The ports for followers of events: the feed, and the sender to webhooks. The event log's port is in `booking.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from openers.domain.events import Event
from openers.domain.webhooks import Webhook
from openers.usecases.ports.transaction import Tx


class EventFeed(Protocol):
    """The events of a world in order; an event never appears after one with a higher number."""

    async def after(self, number: int, tx: Tx) -> Sequence[Event]:
        """Return the next events after `number`, in order, up to the first missing number that may still appear."""
        ...


class WebhookMessage(msgspec.Struct, frozen=True):
    """One event in the form that a webhook receives: its number and its JSON."""

    number: int
    body: bytes


class Delivery(NamedTuple):
    """The progress of a delivery: the number of the last event that the address accepted, 0 if it accepted none.

    `problem` says why the address did not accept the next event; it is empty if it refused none.
    """

    taken: int
    problem: str


class WebhookSender(Protocol):
    """Sends events to webhooks."""

    async def send(self, webhook: Webhook, messages: Sequence[WebhookMessage]) -> Delivery:
        """Send messages one by one, in order, until the address refuses one or the time for one delivery is over."""
        ...
