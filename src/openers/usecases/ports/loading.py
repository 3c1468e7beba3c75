"""What loading a whole world asks of the store. Beside `transaction.py`, whose rules hold here too."""

from __future__ import annotations

from typing import Protocol

from openers.domain.advice import Conversation
from openers.domain.referral import Referral
from openers.domain.slots import Slot


class Records(Protocol):
    """Puts records in as they are, with key and version, for worlds that are loaded whole."""

    async def referral(self, referral: Referral, version: int) -> None:
        """A referral in this version, without earlier ones."""
        ...

    async def conversation(self, conversation: Conversation, version: int) -> None:
        """A request for advice in this version, without earlier ones."""
        ...

    async def slot(self, slot: Slot) -> None:
        """A slot under its id, in place of one that is there."""
        ...

    async def last_number(self, series: str, value: int) -> None:
        """Have a series (ubrn, appointment, slot) go on after `value`."""
        ...
