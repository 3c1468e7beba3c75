"""Answers of people in forms about a product: the hazard log, and the forms of the TOM in each environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from openers_portal.store.tables import ANSWERS
from openers_web.database import Database


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of one form by question, by whom they were given, and when."""

    values: Mapping[str, str]
    by: str
    at: datetime


class AnswersStore:
    """The answers in the store. A form of a product without an environment has an empty one."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def of(self, product: str, environment: str = "") -> Mapping[str, Answers]:
        """Return the answers about a product in an environment, by form."""
        where = (ANSWERS.c.product == product, ANSWERS.c.environment == environment)
        query = select(ANSWERS.c.form, ANSWERS.c.body).where(*where)
        rows = await self._database.run(lambda db: db.execute(query).all())
        return {form: msgspec.json.decode(body, type=Answers) for form, body in rows}

    async def put(self, place: tuple[str, str, str], values: Mapping[str, str], by: str) -> None:
        """Store the answers of a form, in place of earlier ones. `place` is product, environment and form."""
        body = msgspec.json.encode(Answers(values=values, by=by, at=self._clock()))
        key = dict(zip(("product", "environment", "form"), place, strict=True))

        def work(db: Connection) -> None:
            make = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
            row = make(ANSWERS).values(**key, body=body)
            db.execute(row.on_conflict_do_update(index_elements=list(key), set_={"body": body}))

        await self._database.run(work)
