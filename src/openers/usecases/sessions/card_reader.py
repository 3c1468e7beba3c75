"""The card reader of a world in test mode: which smartcard is in it, and which log-ins rest on that card.

The state is in the store, so that all processes see it and a fork starts with it. A log-in rests on the card if its
holder logged in while the card was in the reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind, InsertedCard, Session
from openers.domain.identifiers import UserId
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.ending import end_session

READER: Final = "reader"
LEFT_FOR: Final = timedelta(days=3650)
"""How long a card stays in the reader if nobody removes it."""


async def inserted_card(tx: Tx) -> InsertedCard | None:
    """Return the card in the reader."""
    return await tx.credentials.get(CredentialKind.CARD, READER, InsertedCard)


async def insert_card(tx: Tx, user: UserId, now: Instant) -> Sequence[str]:
    """Put the card of a person into the reader; return the sessions that end because another card was removed."""
    present = await inserted_card(tx)
    if present is not None and present.user == user:
        return ()
    ended = await remove_card(tx, now)
    await tx.credentials.add(CredentialKind.CARD, READER, InsertedCard(user=user, since=now), now + LEFT_FOR)
    return ended


async def remove_card(tx: Tx, now: Instant) -> Sequence[str]:
    """Remove the card; end the sessions that rest on it, with all their tokens, and return their ids."""
    card = await tx.credentials.take(CredentialKind.CARD, READER, InsertedCard)
    return () if card is None else await _end_sessions(tx, card, now)


async def leave_idle(tx: Tx, now: Instant) -> Sequence[str]:
    """End the sessions that rest on the card, as after its time limit, and return their ids. The card stays."""
    card = await inserted_card(tx)
    if card is None:
        return ()
    ended = await remove_card(tx, now)
    await tx.credentials.add(CredentialKind.CARD, READER, InsertedCard(user=card.user, since=now), now + LEFT_FOR)
    return ended


async def _end_sessions(tx: Tx, card: InsertedCard, now: Instant) -> Sequence[str]:
    sessions = await tx.credentials.all(CredentialKind.SESSION, Session)
    ended = [each.id for each in sessions if each.user == card.user and each.asked_at >= card.since]
    for session in ended:
        await end_session(tx, session, now)
    return ended
