"""What people state about requirements: that they are shown by a statement, or that they do not apply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, Delete, delete, insert, select

from openers_portal.store.tables import STATEMENTS
from openers_web.database import Database


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement: its text, by whom and when, and whether the requirement applies to the product."""

    text: str
    by: str
    at: datetime
    applies: bool


class Statements:
    """The statements in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def of(self, product: str) -> Mapping[str, Statement]:
        """Return the statements of a product by requirement."""
        query = select(STATEMENTS.c.requirement, STATEMENTS.c.body).where(STATEMENTS.c.product == product)
        rows = await self._database.run(lambda db: db.execute(query).all())
        return {requirement: msgspec.json.decode(body, type=Statement) for requirement, body in rows}

    async def put(self, product: str, requirement: str, text: str, by: str, *, applies: bool) -> None:
        """Store a statement, in place of an earlier one."""
        statement = Statement(text=text, by=by, at=self._clock(), applies=applies)

        def work(db: Connection) -> None:
            db.execute(_deletion(product, requirement))
            values = {"product": product, "requirement": requirement, "body": msgspec.json.encode(statement)}
            db.execute(insert(STATEMENTS).values(**values))

        await self._database.run(work)

    async def remove(self, product: str, requirement: str) -> None:
        """Remove a statement, if there is one."""
        await self._database.run(lambda db: db.execute(_deletion(product, requirement)))


def _deletion(product: str, requirement: str) -> Delete:
    return delete(STATEMENTS).where(STATEMENTS.c.product == product, STATEMENTS.c.requirement == requirement)
