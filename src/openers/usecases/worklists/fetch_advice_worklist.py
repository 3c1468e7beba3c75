"""The worklist of a provider's requests for advice (A023). Source: rules chapter 4 (A023)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from openers.domain.advice import Conversation
from openers.domain.principal import Principal
from openers.domain.worklists import WorklistFilter
from openers.usecases.ports.transaction import Stored
from openers.usecases.worklists.worklist_filters import check_filter
from openers.usecases.world import World


class FetchAdviceWorklist(msgspec.Struct, frozen=True):
    """The filter for entries, and the caller."""

    by: Principal
    wanted: WorklistFilter


async def fetch_advice_worklist(query: FetchAdviceWorklist, world: World) -> Sequence[Stored[Conversation]]:
    """Return all open requests, including those that wait for their referrer.

    Raises a `FieldRefused`, NoRelationship.
    """
    async with world.read() as tx:
        await check_filter(query.wanted, query.by, world, tx)
        return await tx.conversations.worklist(query.wanted, query.by)
