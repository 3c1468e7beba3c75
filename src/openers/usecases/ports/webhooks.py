"""The port for stored webhooks. The rules in `transaction.py` apply here too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from openers.domain.webhooks import Webhook


class Webhooks(Protocol):
    """Registered webhooks by id."""

    async def get(self, webhook: str) -> Webhook | None:
        """Return the webhook with this id."""
        ...

    async def all(self) -> Sequence[Webhook]:
        """Return all webhooks, sorted by id."""
        ...

    async def put(self, webhook: Webhook) -> None:
        """Add or replace a webhook."""
        ...

    async def remove(self, webhook: str) -> bool:
        """Remove a webhook; return whether it existed."""
        ...
