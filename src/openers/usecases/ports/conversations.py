"""The port for requests for advice. The rules in `transaction.py` apply here too."""

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
        """Return the open requests that `by` may see, sorted by UBRN."""
        ...

    async def next_communication_id(self) -> CommunicationId:
        """Return a new message id."""
        ...
