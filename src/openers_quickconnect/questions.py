"""The open questions for advice that an organisation has asked or looked at here, by UBRN.

The published interface lists requests for advice for providers only (A023). So Quick Connect remembers those of
referrers itself, until they have ended. It stores no more than organisation and UBRN: everything shown of a request is
read anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, MetaData, Select, String, Table, delete, insert, select

from openers_web.database import Database

TABLES: Final = MetaData()
_QUESTIONS: Final = Table(
    "quickconnect_questions",
    TABLES,
    Column("organisation", String(12), primary_key=True),
    Column("ubrn", String(12), primary_key=True),
    Column("since", BigInteger, nullable=False),
)


class Questions:
    """The questions that this application remembers."""

    def __init__(self, database: Database) -> None:
        """Store the questions in `database`."""
        self._database = database

    async def open(self) -> None:
        """Create the table if it does not exist yet."""
        await self._database.run(TABLES.create_all)

    async def remember(self, organisation: str, ubrns: Sequence[str]) -> None:
        """Remember questions of an organisation; those that are remembered already stay as they are."""
        wanted = dict.fromkeys(ubrns)

        def work(db: Connection) -> None:
            known = set(db.execute(_of(organisation)).scalars())
            values = [{"organisation": organisation, "ubrn": each, "since": int(time.time())} for each in wanted]
            if new := [each for each in values if each["ubrn"] not in known]:
                db.execute(insert(_QUESTIONS), new)

        if wanted:
            await self._database.run(work)

    async def of(self, organisation: str) -> list[str]:
        """Return the UBRNs of an organisation, the longest remembered first."""
        return await self._database.run(lambda db: list(db.execute(_of(organisation)).scalars()))

    async def forget(self, organisation: str, ubrns: Sequence[str]) -> None:
        """Forget questions that have ended."""
        table = _QUESTIONS.c
        ended = delete(_QUESTIONS).where(table.organisation == organisation, table.ubrn.in_(ubrns))
        if ubrns:
            await self._database.run(lambda db: db.execute(ended))


def _of(organisation: str) -> Select[str]:
    columns = _QUESTIONS.c
    wanted = select(columns.ubrn).where(columns.organisation == organisation)
    return wanted.order_by(columns.since, columns.ubrn)
