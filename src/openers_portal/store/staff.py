"""The roles of staff. Operators that the settings name need no row."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from openers_portal.access import Role
from openers_portal.store.tables import STAFF
from openers_web.database import Database


class Staff:
    """The roles of staff in the store."""

    def __init__(self, database: Database, operators: Sequence[str]) -> None:
        """Use a migrated database; `operators` are ids of people."""
        self._database, self._operators = database, operators

    async def roles(self, subject: str) -> frozenset[Role]:
        """Return the roles of a person as a member of staff."""
        query = select(STAFF.c.role).where(STAFF.c.subject == subject)
        stored = await self._database.run(lambda db: db.execute(query).scalars().all())
        own = {Role.OPERATOR} if subject in self._operators else set[Role]()
        return frozenset({Role(each) for each in stored} | own)

    async def all(self) -> dict[str, list[Role]]:
        """Return everybody with a stored role."""
        rows = await self._database.run(lambda db: db.execute(select(STAFF).order_by(STAFF.c.subject)).all())
        found: dict[str, list[Role]] = {}
        for subject, role in rows:
            found.setdefault(subject, []).append(Role(role))
        return found

    async def give(self, subject: str, roles: Sequence[Role]) -> None:
        """Replace the roles of a person; no role removes the person."""

        def work(db: Connection) -> None:
            db.execute(delete(STAFF).where(STAFF.c.subject == subject))
            for role in dict.fromkeys(roles):
                db.execute(insert(STAFF).values(subject=subject, role=role))

        await self._database.run(work)
