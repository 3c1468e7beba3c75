"""Cards in the store. What was asked for is stored before the environment is asked, so that a restart finishes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from openers_portal.rules.cards import MOST_OF_PARTNER, Card, CardState
from openers_portal.store.tables import CARDS
from openers_web.database import Database

MOST_WAITING: Final = 5000
"""Waiting cards that are read at one time."""


class StoredCard(msgspec.Struct, frozen=True):
    """A card with its id, its state and the time of the request."""

    id: str
    state: CardState
    at: datetime
    card: Card


class TooManyCards(Exception):
    """The partner has asked for as many cards as it may."""


class Cards:
    """The cards in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def ask(self, partner: str, request: str, cards: Sequence[Card]) -> Sequence[StoredCard]:
        """Store a request; the same request, sent again, returns its first cards. Raises TooManyCards."""
        now = int(self._clock().timestamp())
        ids = [f"{partner}-{request}-{number}" for number in range(len(cards))]
        count = select(func.count()).select_from(CARDS).where(CARDS.c.partner == partner)

        def work(db: Connection) -> Sequence[StoredCard]:
            present = self._of_request(db, partner, request)
            if present:
                return present
            if int(db.execute(count).scalar() or 0) + len(cards) > MOST_OF_PARTNER:
                raise TooManyCards
            for id, card in zip(ids, cards, strict=True):
                values = {"id": id, "partner": partner, "state": CardState.WAITING, "at": now}
                db.execute(insert(CARDS).values(**values, body=msgspec.json.encode(card)))
            return self._of_request(db, partner, request)

        try:
            return await self._database.run(work)
        except IntegrityError:  # the same request was stored by another process at the same time
            return await self._database.run(lambda db: self._of_request(db, partner, request))

    async def of_partner(self, partner: str) -> Sequence[StoredCard]:
        """Return the cards of a partner, the newest first."""
        query = select(CARDS).where(CARDS.c.partner == partner).order_by(CARDS.c.at.desc(), CARDS.c.id)
        return await self._database.run(lambda db: _found(db, query))

    async def waiting(self) -> Sequence[StoredCard]:
        """Return the waiting cards, the oldest first."""
        query = select(CARDS).where(CARDS.c.state == CardState.WAITING).order_by(CARDS.c.at, CARDS.c.id)
        return await self._database.run(lambda db: _found(db, query.limit(MOST_WAITING)))

    async def ended(self, id: str, state: CardState, card: Card) -> None:
        """Store how the issuing of a waiting card ended."""
        values = {"state": state, "body": msgspec.json.encode(card)}
        query = update(CARDS).where(CARDS.c.id == id, CARDS.c.state == CardState.WAITING).values(**values)
        await self._database.run(lambda db: db.execute(query))

    async def withdraw(self, partner: str, request: str) -> None:
        """Delete what a request has asked for and not got."""
        query = delete(CARDS).where(CARDS.c.partner == partner, CARDS.c.state != CardState.ISSUED)
        await self._database.run(lambda db: db.execute(query.where(CARDS.c.id.startswith(f"{partner}-{request}-"))))

    def _of_request(self, db: Connection, partner: str, request: str) -> Sequence[StoredCard]:
        query = select(CARDS).where(CARDS.c.partner == partner, CARDS.c.id.startswith(f"{partner}-{request}-"))
        return _found(db, query.order_by(CARDS.c.id))


def _found(db: Connection, query: Select[Any]) -> list[StoredCard]:
    return [_card(row) for row in db.execute(query).mappings()]


def _card(row: RowMapping) -> StoredCard:
    at = datetime.fromtimestamp(row["at"], UTC)
    return StoredCard(row["id"], CardState(row["state"]), at, msgspec.json.decode(row["body"], type=Card))
