"""What webhooks ask of the store. Beside `transaction.py`, whose rules hold here too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from openers.domain.webhooks import Webhook


class Webhooks(Protocol):
    """Registered webhooks by id."""

    async def get(self, webhook: str) -> Webhook | None:
        """The webhook with this id."""
        ...

    async def all(self) -> Sequence[Webhook]:
        """All of them, by id."""
        ...

    async def put(self, webhook: Webhook) -> None:
        """Add or replace."""
        ...

    async def remove(self, webhook: str) -> bool:
        """Forget one; whether it was there."""
        ...
