"""Cases of the desk in the store, each with its conversation. A partner's query names the partner."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from openers_portal.rules.cases import Case, Entry, State, after, number_of
from openers_portal.store.tables import CASES, ENTRIES
from openers_web.database import Database

MOST: Final = 200
"""Cases in a list."""


Also = Callable[[Connection], object]
"""Does more in a transaction."""


class StoredCase(msgspec.Struct, frozen=True):
    """A case with its count, number, partner, state, and the time of its latest entry."""

    id: int
    number: str
    partner: str
    state: State
    changed: datetime
    case: Case


class NotNow(Exception):
    """The step is not possible in the present state of the case."""


class Cases:
    """The cases in the store."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Use a migrated database."""
        self._database, self._clock = database, clock

    async def open(self, partner: str, case: Case, first: Entry) -> int:
        """Store a new case with its first entry; return its count."""
        now = self._clock()
        return await self._database.run(lambda db: add_case(db, partner, case, first, now))

    async def of_partner(self, partner: str) -> Sequence[StoredCase]:
        """Return the cases of a partner, the latest change first."""
        return await self._found(select(CASES).where(CASES.c.partner == partner))

    async def in_states(self, states: Collection[State]) -> Sequence[StoredCase]:
        """Return the cases in these states, the latest change first."""
        return await self._found(select(CASES).where(CASES.c.state.in_(states)))

    async def one(self, id: int, partner: str | None) -> StoredCase | None:
        """Return a case; only one of the partner, if that is given."""
        query = select(CASES).where(CASES.c.id == id)
        found = await self._found(query if partner is None else query.where(CASES.c.partner == partner))
        return found[0] if found else None

    async def entries(self, id: int) -> Sequence[Entry]:
        """Return the conversation of a case, the oldest entry first."""
        query = select(ENTRIES.c.body).where(ENTRIES.c.case == id).order_by(ENTRIES.c.number)
        rows = await self._database.run(lambda db: db.execute(query).scalars().all())
        return [msgspec.json.decode(each, type=Entry) for each in rows]

    async def step(self, id: int, entry: Entry, also: Also | None = None) -> State:
        """Add an entry, move the case, and do more in the same transaction. Raises NotNow.

        Concurrent steps wait for each other.
        """
        lock = select(CASES.c.state).where(CASES.c.id == id).with_for_update()

        def work(db: Connection) -> State:
            state = db.execute(lock).scalar()
            following = None if state is None else after(State(state), entry.side, entry.step)
            if following is None:
                raise NotNow
            _add(db, id, entry)
            db.execute(update(CASES).where(CASES.c.id == id).values(state=following, changed=self._now()))
            if also is not None:
                also(db)
            return following

        return await self._database.run(work)

    async def _found(self, query: Select[Any]) -> Sequence[StoredCase]:
        ordered = query.order_by(CASES.c.changed.desc(), CASES.c.id.desc()).limit(MOST)
        return await self._database.run(lambda db: [_case(row) for row in db.execute(ordered).mappings()])

    def _now(self) -> int:
        return int(self._clock().timestamp())


def add_case(db: Connection, partner: str, case: Case, first: Entry, now: datetime) -> int:
    """Store a new case with its first entry in a transaction; return its count."""
    values = {"partner": partner, "state": State.NEW, "changed": int(now.timestamp())}
    key = db.execute(insert(CASES).values(**values, body=msgspec.json.encode(case))).inserted_primary_key
    assert key is not None  # noqa: S101 - an insert of one row has a key
    _add(db, int(key[0]), first)
    return int(key[0])


def _add(db: Connection, id: int, entry: Entry) -> None:
    last = db.execute(select(func.max(ENTRIES.c.number)).where(ENTRIES.c.case == id)).scalar() or 0
    db.execute(insert(ENTRIES).values(case=id, number=last + 1, body=msgspec.json.encode(entry)))


def _case(row: RowMapping) -> StoredCase:
    case = msgspec.json.decode(row["body"], type=Case)
    return StoredCase(
        row["id"],
        number_of(case.kind, row["id"]),
        row["partner"],
        State(row["state"]),
        datetime.fromtimestamp(row["changed"], UTC),
        case,
    )
