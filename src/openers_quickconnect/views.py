"""Saved views of worklists: the filters that a person keeps under a name, in one role. Encrypted, like sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Column, Connection, LargeBinary, MetaData, Table, delete, insert, select, update

from openers_web.database import Database
from openers_web.sealing import CannotOpen, Sealer, digest
from openers_web.sessions import Clock

MOST_VIEWS: Final = 20
"""Views that a person keeps in one role."""
LONGEST_NAME: Final = 40
UNUSED_S: Final = 400 * 24 * 3600
"""The views of a role are deleted after this time without use."""
TOUCH_S: Final = 24 * 3600
"""The last use is noted at most this often, so that reading rarely writes."""

TABLES: Final = MetaData()
_VIEWS: Final = Table(
    "quickconnect_views",
    TABLES,
    Column("key", LargeBinary, primary_key=True),
    Column("views", LargeBinary, nullable=False),
    Column("used", BigInteger, nullable=False),
)


class View(msgspec.Struct, frozen=True):
    """Filters of a worklist under a name; `filters` are pairs of its address."""

    worklist: str
    name: str
    filters: tuple[tuple[str, str], ...]


class TooManyViews(Exception):
    """The person has as many views as are kept."""


class SavedViews:
    """The views of all people, by person and role."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        """Use a database; `clock` returns seconds since 1970."""
        self._database, self._sealer, self._clock = database, sealer, clock

    async def open(self) -> None:
        """Create the table, and delete unused views."""
        await self._database.run(TABLES.create_all)
        unused = delete(_VIEWS).where(_VIEWS.c.used <= int(self._clock()) - UNUSED_S)
        await self._database.run(lambda db: db.execute(unused))

    async def of(self, subject: str, role: str, worklist: str) -> list[View]:
        """Return the views of a person in a role for one worklist, by name."""
        key, now = _key(subject, role), int(self._clock())

        def _work(db: Connection) -> list[View]:
            found = self._read(db, key)
            if found:
                old = (_VIEWS.c.key == key) & (_VIEWS.c.used <= now - TOUCH_S)
                db.execute(update(_VIEWS).where(old).values(used=now))
            return [each for each in found if each.worklist == worklist]

        return await self._database.run(_work)

    async def save(self, subject: str, role: str, view: View) -> None:
        """Keep a view; one of the same worklist and name is replaced. Raises TooManyViews."""

        def _with(those: Sequence[View]) -> list[View]:
            kept = [*_without(those, view.worklist, view.name), view]
            if len(kept) > MOST_VIEWS:
                raise TooManyViews
            return sorted(kept, key=lambda each: each.name.casefold())

        await self._change(_key(subject, role), _with)

    async def remove(self, subject: str, role: str, worklist: str, name: str) -> None:
        """Remove a view."""
        await self._change(_key(subject, role), lambda those: _without(those, worklist, name))

    async def _change(self, key: bytes, change: Callable[[Sequence[View]], list[View]]) -> None:
        now = int(self._clock())

        def _work(db: Connection) -> None:
            views = change(self._read(db, key))
            db.execute(delete(_VIEWS).where(_VIEWS.c.key == key))
            if views:
                sealed = self._sealer.seal(msgspec.json.encode(views), _place(key))
                db.execute(insert(_VIEWS).values(key=key, views=sealed, used=now))

        await self._database.run(_work)

    def _read(self, db: Connection, key: bytes) -> list[View]:
        sealed = db.execute(select(_VIEWS.c.views).where(_VIEWS.c.key == key)).scalar()
        if sealed is None:
            return []
        try:
            return msgspec.json.decode(self._sealer.open(sealed, _place(key)), type=list[View])
        except (CannotOpen, msgspec.DecodeError):
            return []


def _without(those: Sequence[View], worklist: str, name: str) -> list[View]:
    return [each for each in those if (each.worklist, each.name) != (worklist, name)]


def _key(subject: str, role: str) -> bytes:
    return digest(f"view|{subject}|{role}")


def _place(key: bytes) -> bytes:
    return b"views|" + key
