"""Test packs in the store. A seed number belongs to one partner in an environment; its records follow from it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from openers_portal.rules.packs import MOST_OF_PARTNER, Pack
from openers_portal.store.tables import PACKS
from openers_web.database import Database


class PackState(StrEnum):
    """How far a pack is. A waiting one is made, or put back, as soon as its environment answers."""

    WAITING = "waiting"
    MADE = "made"
    REFUSED = "refused"


class StoredPack(msgspec.Struct, frozen=True):
    """A pack with its id, its state and its time."""

    id: str
    state: PackState
    at: datetime
    pack: Pack


class SeedTaken(Exception):
    """The environment has a pack of this seed number."""


class TooManyPacks(Exception):
    """The partner has as many packs as it may."""


class Packs:
    """The packs in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def ask(self, partner: str, pack: Pack) -> StoredPack:
        """Store a waiting pack. Raises SeedTaken, TooManyPacks."""
        id = secrets.token_hex(8)
        values = {"id": id, "partner": partner, "claim": f"{pack.environment} {pack.seed}", "state": PackState.WAITING}
        count = select(func.count()).select_from(PACKS).where(PACKS.c.partner == partner)
        now = self._clock()

        def work(db: Connection) -> None:
            if int(db.execute(count).scalar() or 0) >= MOST_OF_PARTNER:
                raise TooManyPacks
            db.execute(insert(PACKS).values(**values, at=int(now.timestamp()), body=msgspec.json.encode(pack)))

        try:
            await self._database.run(work)
        except IntegrityError:
            raise SeedTaken from None
        return StoredPack(id, PackState.WAITING, now, pack)

    async def of_partner(self, partner: str) -> Sequence[StoredPack]:
        """Return the packs of a partner, the newest first."""
        return await self._found(select(PACKS).where(PACKS.c.partner == partner).order_by(PACKS.c.at.desc()))

    async def one(self, partner: str, id: str) -> StoredPack | None:
        """Return a pack of a partner."""
        found = await self._found(select(PACKS).where(PACKS.c.partner == partner, PACKS.c.id == id))
        return found[0] if found else None

    async def waiting(self) -> Sequence[StoredPack]:
        """Return the waiting packs, the oldest first."""
        return await self._found(select(PACKS).where(PACKS.c.state == PackState.WAITING).order_by(PACKS.c.at))

    async def set(self, id: str, state: PackState, pack: Pack) -> None:
        """Store how far a pack is."""
        query = update(PACKS).where(PACKS.c.id == id).values(state=state, body=msgspec.json.encode(pack))
        await self._database.run(lambda db: db.execute(query))

    async def _found(self, query: Select[Any]) -> Sequence[StoredPack]:
        return await self._database.run(lambda db: [_pack(row) for row in db.execute(query.limit(200)).mappings()])


def _pack(row: RowMapping) -> StoredPack:
    at = datetime.fromtimestamp(row["at"], UTC)
    return StoredPack(row["id"], PackState(row["state"]), at, msgspec.json.decode(row["body"], type=Pack))
