"""Items that editors publish, in versions: nothing that was published is overwritten."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select
from sqlalchemy.exc import IntegrityError

from openers_portal.rules.items import Item, Kind, State
from openers_portal.store.tables import ITEMS
from openers_web.database import Database

MOST: Final = 200
"""Items in a list, the newest first."""
Also = Callable[[Connection, str], None]
"""Does more in the transaction that stores an item of this id."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an item: who wrote it and when."""

    id: str
    version: int
    kind: Kind
    state: State
    at: datetime
    by: str
    item: Item


class Edit(NamedTuple):
    """A change of an item: who makes it, the version that they have seen, and what else happens with it."""

    by: str
    seen: int
    also: Also = lambda _db, _id: None


class Outdated(Exception):
    """Somebody has saved a newer version."""


class Items:
    """The items in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def published(self, *kinds: Kind) -> Sequence[Version]:
        """Return the latest published version of each item that is not withdrawn, the newest first."""
        return [each for each in await self._newest(kinds, drafts=False) if each.state is State.PUBLISHED][:MOST]

    async def latest(self) -> Sequence[Version]:
        """Return the latest version of each item, drafts and withdrawn ones too, the newest first."""
        return (await self._newest(tuple(Kind), drafts=True))[:MOST]

    async def versions(self, id: str) -> Sequence[Version]:
        """Return all versions of an item, the newest first."""
        query = select(ITEMS).where(ITEMS.c.id == id).order_by(ITEMS.c.version.desc())
        return await self._database.run(lambda db: [_version(row) for row in db.execute(query).mappings()])

    async def save(self, id: str, kind: Kind, item: Item, state: State, edit: Edit) -> Version:
        """Store a version on top of the one that the editor has seen; an empty id makes an item. Raises Outdated."""
        id, seen = id or secrets.token_hex(8), edit.seen
        now = self._clock()

        def work(db: Connection) -> Version:
            db.execute(select(ITEMS.c.version).where(ITEMS.c.id == id).with_for_update())
            present = db.execute(select(func.max(ITEMS.c.version)).where(ITEMS.c.id == id)).scalar() or 0
            if present != seen:
                raise Outdated
            body = msgspec.json.encode(item)
            values = {"id": id, "version": seen + 1, "kind": kind, "state": state, "by": edit.by, "body": body}
            db.execute(insert(ITEMS).values(**values, at=int(now.timestamp())))
            edit.also(db, id)
            return Version(id=id, version=seen + 1, kind=kind, state=state, at=now, by=edit.by, item=item)

        try:
            return await self._database.run(work)
        except IntegrityError:  # the version was stored by another process at the same time
            raise Outdated from None

    async def _newest(self, kinds: Sequence[Kind], *, drafts: bool) -> Sequence[Version]:
        """Return the newest version of each item, without drafts unless they are wanted."""
        newest = select(ITEMS.c.id, func.max(ITEMS.c.version).label("version")).where(ITEMS.c.kind.in_(kinds))
        if not drafts:
            newest = newest.where(ITEMS.c.state != State.DRAFT)
        found = newest.group_by(ITEMS.c.id).subquery()
        query = select(ITEMS).join(found, (ITEMS.c.id == found.c.id) & (ITEMS.c.version == found.c.version))
        ordered = query.order_by(ITEMS.c.at.desc(), ITEMS.c.id).limit(MOST)
        return await self._database.run(lambda db: [_version(row) for row in db.execute(ordered).mappings()])


def _version(row: RowMapping) -> Version:
    return Version(
        id=row["id"],
        version=row["version"],
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        at=datetime.fromtimestamp(row["at"], UTC),
        by=row["by"],
        item=msgspec.json.decode(row["body"], type=Item),
    )
