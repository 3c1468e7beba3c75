"""Requests for advice in SQL. `requests.py` has the code that they share with referrals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openers.domain.advice import Conversation
from openers.domain.identifiers import CommunicationId, NhsNumber
from openers.domain.principal import Principal
from openers.domain.worklists import WorklistFilter
from openers.store.engine.statements import Connection
from openers.store.engine.tables import conversations
from openers.store.records.request_tables import CONVERSATIONS, REFERRALS
from openers.store.records.requests import SqlRequests
from openers.store.records.worklists import worklist
from openers.usecases.ports.stored import Stored

FIRST_VERSION: Final = 1
"""Version of a new request for advice (rules 4, A044)."""
LISTED: Final = 1
"""Value of `listed` for requests on the worklist."""


class SqlConversations(SqlRequests[Conversation]):
    """The `Conversations` port over one connection."""

    __slots__ = ()
    first_version = FIRST_VERSION

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        super().__init__(connection, CONVERSATIONS, REFERRALS.get)

    async def worklist(self, wanted: WorklistFilter, by: Principal) -> Sequence[Stored[Conversation]]:
        """Return the open requests that `by` may see, by UBRN."""
        rows = await self._connection.rows(*worklist(conversations, LISTED, wanted, by))
        return [
            Stored(ubrn, version, body, CONVERSATIONS.decoder, NhsNumber(patient))
            for ubrn, version, patient, body in rows
        ]

    async def next_communication_id(self) -> CommunicationId:
        """Return a new message id, never used before."""
        return CommunicationId(str(await self._connection.next_number("communication")))
