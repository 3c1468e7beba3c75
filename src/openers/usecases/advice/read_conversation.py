"""Read a request for advice (A024), or its conversation (A025). Only the latest version can be read.

Source: rules chapters 3.4 and 4 (A024, A025).
"""

from __future__ import annotations

from openers.domain.advice import Conversation
from openers.usecases.ports.transaction import Stored
from openers.usecases.referring.read_referral import ReadReferral, read_latest
from openers.usecases.world import World


class ReadConversation(ReadReferral, frozen=True):
    """The request for advice to read, and the caller; `version` if a specific version is requested."""


async def read_conversation(query: ReadConversation, world: World) -> Stored[Conversation]:
    """Return the request. Raises NotFound, NoRelationship, InvalidRequestType, PatientError, HistoryNotSupported."""
    return await read_latest(query, lambda tx: tx.conversations, world)
