"""Store records unchanged, to load a whole world. Only the use case `load_records` calls it."""

from __future__ import annotations

from openers.domain.advice import Conversation
from openers.domain.referral import Referral
from openers.domain.slots import Slot
from openers.store.engine.statements import Connection
from openers.store.records.conversations import SqlConversations
from openers.store.records.referrals import SqlReferrals
from openers.store.records.slots import SqlSlots


class SqlRecords:
    """The `Records` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that writes."""
        self._connection = connection

    async def referral(self, referral: Referral, version: int) -> None:
        """Store a referral in this version, without earlier versions."""
        await SqlReferrals(self._connection).add(referral, version)

    async def conversation(self, conversation: Conversation, version: int) -> None:
        """Store a request for advice in this version, without earlier versions."""
        await SqlConversations(self._connection).add(conversation, version)

    async def slot(self, slot: Slot) -> None:
        """Store a slot under its id, replacing an existing one."""
        await SqlSlots(self._connection).put(slot)

    async def last_number(self, series: str, value: int) -> None:
        """Continue a series (ubrn, appointment, slot) after `value`."""
        await self._connection.set_number(series, value)
