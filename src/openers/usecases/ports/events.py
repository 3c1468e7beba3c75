"""What followers of events need: the events in order, and a sender to webhooks. The log is in `booking.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from openers.domain.events import Event
from openers.domain.webhooks import Webhook
from openers.usecases.ports.transaction import Tx


class EventFeed(Protocol):
    """The events of a world in order, none of which comes late."""

    async def after(self, number: int, tx: Tx) -> Sequence[Event]:
        """The next events after one, in order; none before the missing ones among them have come or are given up."""
        ...


class WebhookMessage(msgspec.Struct, frozen=True):
    """One event as a webhook receives it: its number, and its JSON."""

    number: int
    body: bytes


class Delivery(NamedTuple):
    """How far a delivery came: the number of the last event that the address took, 0 if it took none.

    `problem` says why the address did not take the next event, and is empty if it refused none.
    """

    taken: int
    problem: str


class WebhookSender(Protocol):
    """Sends events to webhooks."""

    async def send(self, webhook: Webhook, messages: Sequence[WebhookMessage]) -> Delivery:
        """Send messages one by one, in order, until the address refuses one or the time for one delivery is over."""
        ...
