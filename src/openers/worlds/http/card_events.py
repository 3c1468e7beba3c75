"""`/_test/cards/events`: what happens in the card reader of a world, as server-sent events.

The reader's state is in the store, so that a listener also hears of changes that another process has made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from enum import StrEnum

import msgspec

from openers.api.events.stream import follow
from openers.domain.credentials import InsertedCard
from openers.domain.identifiers import UserId
from openers.usecases.sessions.card_reader import inserted_card
from openers.usecases.world import World


class CardEvent(StrEnum):
    """What has happened. `IDLE`: the sessions of the card have ended, and the card stays."""

    INSERTED = "inserted"
    REMOVED = "removed"
    IDLE = "idle"
    TICKET_ISSUED = "ticket-issued"
    TICKET_ENDED = "ticket-ended"


async def card_events(
    world: World, ends: asyncio.Event, is_gone: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """Yield the events of the card reader, first those that lead to its present state.

    The stream ends when `ends` is set or `is_gone` returns true.
    """
    known: InsertedCard | None = None

    async def _look() -> list[bytes]:
        nonlocal known
        async with world.read() as tx:
            card = await inserted_card(tx)
        old, known = known, card
        return [_written(event, user) for event, user in between(old, card)]

    yield b": card reader\n\n"
    async for part in follow(_look, ends, is_gone):
        yield part


def _written(event: CardEvent, user: UserId) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.encode(), msgspec.json.encode({"uuid": str(user)}))


def between(old: InsertedCard | None, new: InsertedCard | None) -> Iterator[tuple[CardEvent, UserId]]:
    """Yield the events that lead from one state of the reader to another, each with the holder of its card."""
    same = old is not None and new is not None and old.user == new.user
    if old is not None and not same:
        yield CardEvent.REMOVED, old.user
    if new is None:
        return
    if not same:
        yield CardEvent.INSERTED, new.user
    elif old is not None and old.since != new.since:
        yield CardEvent.IDLE, new.user
    before = old.ticket if same and old is not None else ""
    if new.ticket != before:
        yield CardEvent.TICKET_ISSUED if new.ticket else CardEvent.TICKET_ENDED, new.user
