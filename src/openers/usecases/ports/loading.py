"""The port for loading a whole world. The rules in `transaction.py` apply here too."""

from __future__ import annotations

from typing import Protocol

from openers.domain.advice import Conversation
from openers.domain.referral import Referral
from openers.domain.slots import Slot


class Records(Protocol):
    """Adds records with given keys and versions, for worlds that are loaded as a whole."""

    async def referral(self, referral: Referral, version: int) -> None:
        """Add a referral in this version, without earlier versions."""
        ...

    async def conversation(self, conversation: Conversation, version: int) -> None:
        """Add a request for advice in this version, without earlier versions."""
        ...

    async def slot(self, slot: Slot) -> None:
        """Add or replace the slot with this id."""
        ...

    async def last_number(self, series: str, value: int) -> None:
        """Make a number series (ubrn, appointment, slot) continue after `value`."""
        ...
