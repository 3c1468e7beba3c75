"""What requests for advice ask of the store. Beside `transaction.py`, whose rules hold here too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from openers.domain.advice import Conversation
from openers.domain.identifiers import CommunicationId
from openers.domain.principal import Principal
from openers.domain.worklists import WorklistFilter
from openers.usecases.ports.stored import Requests, Stored


class Conversations(Requests[Conversation], Protocol):
    """Requests for advice by UBRN."""

    async def worklist(self, wanted: WorklistFilter, by: Principal) -> Sequence[Stored[Conversation]]:
        """Those that go on and that `by` may see, by UBRN."""
        ...

    async def next_communication_id(self) -> CommunicationId:
        """An id of a message that was never given before."""
        ...
