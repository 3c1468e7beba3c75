"""The event log in SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import ClauseElement, bindparam, func, insert, select

from openers.domain.events import Event
from openers.store.engine.statements import Connection, Statement, decoder, encode, texts
from openers.store.engine.tables import events

_MOST: Final = 1000
"""Maximum number of events that one statement returns."""


def _latest(*, postgres: bool = False) -> ClauseElement:
    """Return the query for the last event of each of the keys."""
    asked = events.c.key.in_(texts("keys", postgres=postgres))
    last = select(func.max(events.c.number)).where(asked).group_by(events.c.key)
    return select(events.c.number, events.c.body).where(events.c.number.in_(last))


_ADD: Final = Statement(insert(events).values(body=bindparam("body"), key=bindparam("key")))
_SINCE: Final = Statement(
    select(events.c.number, events.c.body)
    .where(events.c.number > bindparam("since"))
    .order_by(events.c.number)
    .limit(_MOST)
)
_OF: Final = Statement(
    select(events.c.number, events.c.body)
    .where(events.c.key == bindparam("of_key"))
    .order_by(events.c.number)
    .limit(_MOST)
)
_LATEST: Final = Statement(_latest(), _latest(postgres=True))
_LAST: Final = Statement(select(func.coalesce(func.max(events.c.number), 0)))
_event: Final = decoder(Event)


class SqlEvents:
    """The `Events` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def append(self, event: Event) -> None:
        """Append one event; the store assigns its number."""
        await self._connection.run(_ADD, {"body": encode(event), "key": event.key})

    async def since(self, number: int) -> Sequence[Event]:
        """Return the first thousand events after a number, in order."""
        return _numbered(await self._connection.rows(_SINCE, {"since": number}))

    async def of(self, key: str) -> Sequence[Event]:
        """Return the first thousand events of the records with a key, in order."""
        return _numbered(await self._connection.rows(_OF, {"of_key": key}))

    async def latest(self, keys: Sequence[str]) -> Mapping[str, Event]:
        """Return the last event of each key that has one."""
        rows = await self._connection.rows(_LATEST, {"keys": json.dumps(keys)}) if keys else []
        return {event.key: event for event in _numbered(rows)}

    async def last(self) -> int:
        """Return the number of the last event; 0 if there is none."""
        row = await self._connection.row(_LAST, {})
        return 0 if row is None else int(row[0])


def _numbered(rows: Sequence[tuple[int, bytes]]) -> list[Event]:
    return [msgspec.structs.replace(_event.decode(body), number=number) for number, body in rows]
