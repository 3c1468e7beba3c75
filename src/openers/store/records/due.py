"""Background work in SQL: added in the commit of the act that causes it, claimed by one runner at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import bindparam, case, delete, select, update

from openers.domain.clock import Instant
from openers.store.engine.statements import Connection, Row, Statement, instant, micros, upsert
from openers.store.engine.tables import due
from openers.usecases.ports.transaction import DueItem

_columns = due.c
_the_one = (_columns.kind == bindparam("of_kind"), _columns.key == bindparam("of_key"))
_ADD: Final = upsert(due)
_is_waiting = (_columns.due_at <= bindparam("now"), _columns.claimed_until <= bindparam("now"))
_WAITING: Final = (
    select(_columns.kind, _columns.key, _columns.due_at, _columns.attempt)
    .where(*_is_waiting, _columns.kind == bindparam("of_kind"))
    .order_by(_columns.due_at, _columns.key)
    .limit(bindparam("most"))
)
_may_run_at = case((_columns.claimed_until > _columns.due_at, _columns.claimed_until), else_=_columns.due_at)
_UPCOMING: Final = Statement(
    select(_columns.kind, _columns.key, _may_run_at.label("at"), _columns.attempt)
    .where(_may_run_at <= bindparam("until"))
    .order_by(_may_run_at, _columns.kind, _columns.key)
    .limit(bindparam("most"))
)
_PLANNED: Final = Statement(select(_columns.kind).where(*_the_one))
_LOOK: Final = Statement(select(_columns.kind).distinct().where(*_is_waiting).order_by(_columns.kind))
_FIND: Final = Statement(_WAITING, _WAITING.with_for_update(skip_locked=True))
_CLAIM: Final = Statement(
    update(due).where(*_the_one).values(claimed_until=bindparam("until"), attempt=_columns.attempt + 1)
)
_as_claimed = (*_the_one, _columns.attempt == bindparam("claimed_attempt"))
"""Conditions: another runner has not claimed the item since, and it was not added again."""
_DONE: Final = Statement(delete(due).where(*_as_claimed))
_RETRY: Final = Statement(update(due).where(*_as_claimed).values(due_at=bindparam("at"), claimed_until=0))


class SqlDue:
    """The `Due` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def add(self, kind: str, key: str, at: Instant) -> None:
        """Schedule `kind` for `key` at an instant; this replaces an earlier schedule."""
        row = {"kind": kind, "key": key, "due_at": micros(at), "attempt": 0, "claimed_until": 0}
        await self._connection.run(_ADD, row)

    async def planned(self, kind: str, key: str) -> bool:
        """Return whether this item is scheduled."""
        return await self._connection.row(_PLANNED, {"of_kind": kind, "of_key": key}) is not None

    async def upcoming(self, until: Instant, most: int) -> Sequence[DueItem]:
        """Return the first `most` items that may run by an instant, in order; `due_at` takes claims into account."""
        rows = await self._connection.rows(_UPCOMING, {"until": micros(until), "most": most})
        return [_item(row) for row in rows]

    async def waiting(self, now: Instant) -> Sequence[str]:
        """Return the kinds that have unclaimed items due at `now`."""
        return [str(kind) for (kind,) in await self._connection.rows(_LOOK, {"now": micros(now)})]

    async def claim(self, kind: str, now: Instant, until: Instant, most: int) -> Sequence[DueItem]:
        """Claim items of a kind that are due at `now`, earliest first, for this runner until an instant."""
        rows = await self._connection.rows(_FIND, {"of_kind": kind, "now": micros(now), "most": most})
        items = [_item(row) for row in rows]
        for item in items:
            await self._connection.run(_CLAIM, {**_key(item), "until": micros(until)})
        return items

    async def done(self, item: DueItem) -> None:
        """Remove a claimed item unless it was added again, or its claim expired and another runner has it."""
        await self._connection.run(_DONE, {**_key(item), "claimed_attempt": item.attempt})

    async def retry(self, item: DueItem, at: Instant) -> None:
        """Release a claimed item to run again at an instant, unless another runner has it now."""
        await self._connection.run(_RETRY, {**_key(item), "at": micros(at), "claimed_attempt": item.attempt})


def _key(item: DueItem) -> dict[str, str | int | bytes | None]:
    return {"of_kind": item.kind, "of_key": item.key}


def _item(row: Row) -> DueItem:
    kind, key, due_at, attempt = row
    return DueItem(str(kind), str(key), instant(due_at), attempt + 1)
