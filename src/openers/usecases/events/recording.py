"""Records events in the transaction of their act."""

from __future__ import annotations

from openers.domain.advice import Conversation
from openers.domain.events import Event
from openers.domain.referral import Referral
from openers.usecases.ports.transaction import Stored, Tx
from openers.usecases.world import World


async def record_event(tx: Tx, world: World, act: str, referral: Stored[Referral]) -> None:
    """Record that `act` produced this version of the referral."""
    event = Event(
        act=act,
        at=world.clock.now(),
        by=world.entry.user,
        kind="referral",
        key=referral.key,
        version=referral.version,
    )
    await tx.events.append(event)


async def record_advice_event(tx: Tx, world: World, act: str, conversation: Stored[Conversation]) -> None:
    """Record that `act` produced this version of the request for advice."""
    event = Event(
        act=act,
        at=world.clock.now(),
        by=world.entry.user,
        kind="request for advice",
        key=conversation.key,
        version=conversation.version,
        due=conversation.value.respond_by,
    )
    await tx.events.append(event)
