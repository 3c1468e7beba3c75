"""Messages in the store: each is stored with the change that causes it, and sent at most once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, or_, select, update

from openers_portal.rules.mail import Mail, Sending
from openers_portal.store.tables import MAILS
from openers_web.database import Database

MOST: Final = 100
"""Messages in a list."""
MOST_RESTING: Final = 1000
"""Messages that are left out at one time."""
CONFIRM, NOTICE = "confirm", "notice"
"""How the names of messages of the interest list begin; the id of the entry follows, or ends the name."""
GIVEN_UP: Final = timedelta(days=1)
"""How long a message is tried while the mail server takes none."""
KEPT: Final = timedelta(days=30)
"""How long a message is kept."""


class StoredMail(msgspec.Struct, frozen=True):
    """A message with its number, its time and how far it is."""

    id: int
    at: datetime
    state: Sending
    mail: Mail


class Mails:
    """The messages in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    def add(self, db: Connection, mail: Mail, once: str, source: str = "") -> bool:
        """Store a message in the transaction of its cause; false if a message of the name `once` is stored already.

        `source` stands for the caller who caused it.
        """
        if db.execute(select(MAILS.c.id).where(MAILS.c.once == once)).scalar() is not None:
            return False
        values = {"once": once, "source": source, "state": Sending.WAITING, "body": msgspec.json.encode(mail)}
        db.execute(insert(MAILS).values(at=int(self._clock().timestamp()), to=mail.to, **values))
        return True

    async def send(self, mail: Mail, once: str) -> None:
        """Store a message, unless one of the name `once` is stored already."""
        await self._database.run(lambda db: self.add(db, mail, once))

    def caused_by(self, db: Connection, source: str, within: timedelta) -> int:
        """Return how many messages a caller has caused lately."""
        since = int((self._clock() - within).timestamp())
        query = select(func.count()).select_from(MAILS).where(MAILS.c.source == source, MAILS.c.at > since)
        return int(db.execute(query).scalar() or 0)

    async def take(self, but: Sequence[int] = ()) -> StoredMail | None:
        """Mark the oldest waiting message as started and return it, for one process only; `None` if none waits.

        The messages `but`, at most `MOST_RESTING`, are left out.
        """
        wanted = and_(MAILS.c.state == Sending.WAITING, MAILS.c.id.not_in(but))
        waiting = select(MAILS).where(wanted).order_by(MAILS.c.id).limit(1)

        def work(db: Connection) -> StoredMail | None:
            row = db.execute(waiting.with_for_update(skip_locked=True)).mappings().first()
            if row is None:
                return None
            db.execute(update(MAILS).where(MAILS.c.id == row["id"]).values(state=Sending.STARTED))
            return _mail(row)

        return await self._database.run(work)

    async def ended(self, id: int, state: Sending) -> None:
        """Store how the sending of a message ended."""
        await self._database.run(lambda db: db.execute(update(MAILS).where(MAILS.c.id == id).values(state=state)))

    async def again(self, mail: StoredMail) -> bool:
        """Let a message wait again that was certainly not sent; after a day it has failed. Return whether it has."""
        is_old = mail.at < self._clock() - GIVEN_UP
        await self.ended(mail.id, Sending.FAILED if is_old else Sending.WAITING)
        return is_old

    def forget(self, db: Connection, interest: str) -> None:
        """Delete the messages of the interest list to one entry of it, sent or waiting."""
        once = MAILS.c.once
        asked = once.startswith(f"{CONFIRM} {interest} ", autoescape=True)
        told = and_(once.startswith(f"{NOTICE} "), once.endswith(f" {interest}", autoescape=True))
        db.execute(delete(MAILS).where(or_(asked, told)))

    async def latest(self) -> Sequence[StoredMail]:
        """Return the latest messages, the newest first."""
        query = select(MAILS).order_by(MAILS.c.id.desc()).limit(MOST)
        return await self._database.run(lambda db: [_mail(row) for row in db.execute(query).mappings()])

    async def purge(self) -> None:
        """Delete old messages that do not wait."""
        before = int((self._clock() - KEPT).timestamp())
        query = delete(MAILS).where(MAILS.c.at < before, MAILS.c.state != Sending.WAITING)
        await self._database.run(lambda db: db.execute(query))


def _mail(row: RowMapping) -> StoredMail:
    at = datetime.fromtimestamp(row["at"], UTC)
    return StoredMail(row["id"], at, Sending(row["state"]), msgspec.json.decode(row["body"], type=Mail))
