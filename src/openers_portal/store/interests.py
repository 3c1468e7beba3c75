"""The interest list in the store. An address is on it once; leaving the list deletes it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from openers_portal.rules.interest import KEPT, MOST_A_DAY, MOST_AN_HOUR, Interest, confirmation, key_of
from openers_portal.store.mails import CONFIRM, Mails
from openers_portal.store.tables import INTERESTS
from openers_web.database import Database

MOST: Final = 100_000
"""Addresses in an export."""


class StoredInterest(msgspec.Struct, frozen=True):
    """An address with its id, and since when it is on the list."""

    id: str
    at: datetime
    interest: Interest


class TooMany(Exception):
    """One caller has asked for too many messages."""


class Interests:
    """The addresses in the store."""

    def __init__(self, database: Database, mails: Mails, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._mails, self._clock = database, mails, clock

    async def ask(self, interest: Interest, link: Callable[[str], str], source: str) -> None:
        """Store an address with the message that asks to confirm it. Raises TooMany.

        `link` returns the link for an id. An address that is on the list gets no message, and nothing tells the caller
        so. An address gets at most three messages in a day.
        """
        now = self._clock()

        def work(db: Connection) -> None:
            if self._mails.caused_by(db, source, timedelta(hours=1)) >= MOST_AN_HOUR:
                raise TooMany
            found = db.execute(select(INTERESTS).where(INTERESTS.c.email == key_of(interest.email))).mappings().first()
            if found is not None and found["confirmed"]:
                return
            id = secrets.token_hex(16) if found is None else str(found["id"])
            body = msgspec.json.encode(interest)
            if found is None:
                values = {"id": id, "email": key_of(interest.email), "at": int(now.timestamp()), "confirmed": 0}
                db.execute(insert(INTERESTS).values(body=body, **values))
            else:
                db.execute(update(INTERESTS).where(INTERESTS.c.id == id).values(body=body, at=int(now.timestamp())))
            mail = confirmation(interest, link(id))
            for number in range(MOST_A_DAY):
                if self._mails.add(db, mail, f"{CONFIRM} {id} {now:%Y-%m-%d} {number}", source):
                    return

        try:
            await self._database.run(work)
        except IntegrityError:  # the same address was stored by another process at the same time, with its message
            return

    async def confirm(self, id: str) -> bool:
        """Put an address on the list; false if it is not known any more."""
        now = int(self._clock().timestamp())
        query = update(INTERESTS).where(INTERESTS.c.id == id).values(confirmed=1, at=now)
        return await self._database.run(lambda db: db.execute(query).rowcount > 0)

    async def leave(self, id: str) -> None:
        """Delete an address, with the messages to it."""
        await self._database.run(lambda db: self._delete(db, INTERESTS.c.id == id))

    async def all(self) -> Sequence[StoredInterest]:
        """Return the addresses on the list, the newest first."""
        return await self._database.run(self.on_list)

    def on_list(self, db: Connection) -> Sequence[StoredInterest]:
        """Return the addresses on the list, within a transaction."""
        query = select(INTERESTS).where(INTERESTS.c.confirmed == 1).order_by(INTERESTS.c.at.desc(), INTERESTS.c.id)
        return [_interest(row) for row in db.execute(query.limit(MOST)).mappings()]

    async def purge(self) -> None:
        """Delete addresses that nobody has confirmed in time."""
        before = int((self._clock() - KEPT).timestamp())
        old = and_(INTERESTS.c.confirmed == 0, INTERESTS.c.at < before)
        await self._database.run(lambda db: self._delete(db, old))

    def _delete(self, db: Connection, which: ColumnElement[bool]) -> None:
        for id in db.execute(select(INTERESTS.c.id).where(which)).scalars().all():
            self._mails.forget(db, id)
        db.execute(delete(INTERESTS).where(which))


def _interest(row: RowMapping) -> StoredInterest:
    interest = msgspec.json.decode(row["body"], type=Interest)
    return StoredInterest(row["id"], datetime.fromtimestamp(row["at"], UTC), interest)
