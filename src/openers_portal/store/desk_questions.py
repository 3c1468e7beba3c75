"""Questions without a log-in: stored with the message that asks to confirm them, and opened as cases once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from openers_portal.rules.cases import Case, CaseKind, Entry, Side, Step
from openers_portal.rules.desk_questions import KEPT, MOST_A_DAY, DeskQuestion, confirmation, once
from openers_portal.rules.interest import MOST_AN_HOUR
from openers_portal.store.cases import add_case
from openers_portal.store.interests import TooMany
from openers_portal.store.mails import Mails
from openers_portal.store.tables import QUESTIONS
from openers_web.database import Database

NO_PARTNER: Final = ""
"""The partner of a case that nobody's partner has raised."""


class StoredQuestion(msgspec.Struct, frozen=True):
    """A question with the count of its case; 0 before it is confirmed."""

    case: int
    question: DeskQuestion


class DeskQuestions:
    """The questions in the store."""

    def __init__(self, database: Database, mails: Mails, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._mails, self._clock = database, mails, clock

    async def ask(self, question: DeskQuestion, link: Callable[[str], str], source: str) -> None:
        """Store a question with the message that asks to confirm it. Raises TooMany.

        An address gets at most three such messages in a day. Further questions are not stored, and nothing tells so.
        """
        now, id = self._clock(), secrets.token_hex(16)
        values = {"id": id, "at": int(now.timestamp()), "case": 0, "body": msgspec.json.encode(question)}

        def work(db: Connection) -> None:
            if self._mails.caused_by(db, source, timedelta(hours=1)) >= MOST_AN_HOUR:
                raise TooMany
            mail = confirmation(question, link(id))
            names = (once(question.email, now, number) for number in range(MOST_A_DAY))
            if any(self._mails.add(db, mail, name, source) for name in names):
                db.execute(insert(QUESTIONS).values(**values))

        try:
            await self._database.run(work)
        except IntegrityError:  # another process stored a message to the same address at the same time
            return

    async def one(self, id: str) -> StoredQuestion | None:
        """Return a question."""
        query = select(QUESTIONS.c.case, QUESTIONS.c.body).where(QUESTIONS.c.id == id)
        row = await self._database.run(lambda db: db.execute(query).first())
        return None if row is None else StoredQuestion(row[0], msgspec.json.decode(row[1], type=DeskQuestion))

    async def confirm(self, id: str) -> int | None:
        """Open the case of a question, once; return its count, `None` if the question is not known any more."""
        lock = select(QUESTIONS.c.case, QUESTIONS.c.body).where(QUESTIONS.c.id == id).with_for_update()
        now = self._clock()

        def work(db: Connection) -> int | None:
            row = db.execute(lock).first()
            if row is None or row[0]:
                return None if row is None else int(row[0])
            asked = msgspec.json.decode(row[1], type=DeskQuestion)
            name = asked.name or "Guest"
            case = Case(
                kind=CaseKind.QUESTION, title=asked.title, raised_by=name, email=asked.email, asked_without_log_in=id
            )
            first = Entry(at=now, by=name, side=Side.PARTNER, step=Step.WRITE, text=asked.text)
            count = add_case(db, NO_PARTNER, case, first, now)
            db.execute(update(QUESTIONS).where(QUESTIONS.c.id == id).values(case=count))
            return count

        return await self._database.run(work)

    async def purge(self) -> None:
        """Delete questions that nobody has confirmed in time."""
        before = int((self._clock() - KEPT).timestamp())
        query = delete(QUESTIONS).where(QUESTIONS.c.case == 0, QUESTIONS.c.at < before)
        await self._database.run(lambda db: db.execute(query))
