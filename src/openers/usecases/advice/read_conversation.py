"""Read a request for advice (A024), or its conversation (A025). Only its latest version can be read.

Source: rules chapters 3.4 and 4 (A024, A025).
"""

from __future__ import annotations

from openers.domain.advice import Conversation
from openers.usecases.ports.transaction import Stored
from openers.usecases.referring.read_referral import ReadReferral, read_latest
from openers.usecases.world import World


class ReadConversation(ReadReferral, frozen=True):
    """Which request for advice, for whom; `version` where a particular one is asked for."""


async def read_conversation(query: ReadConversation, world: World) -> Stored[Conversation]:
    """The request. Raises NotFound, NoRelationship, InvalidRequestType, PatientError, HistoryNotSupported."""
    return await read_latest(query, lambda tx: tx.conversations, world)
