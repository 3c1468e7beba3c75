"""Work without a request, in SQL: added in the commit of the act that causes it, claimed by one runner at a time."""

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
"""Not claimed by another runner since, nor added again."""
_DONE: Final = Statement(delete(due).where(*_as_claimed))
_RETRY: Final = Statement(update(due).where(*_as_claimed).values(due_at=bindparam("at"), claimed_until=0))


class SqlDue:
    """The `Due` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """`connection` is in the transaction that reads and writes."""
        self._connection = connection

    async def add(self, kind: str, key: str, at: Instant) -> None:
        """Have `kind` run for `key` at an instant; a later call replaces an earlier one."""
        row = {"kind": kind, "key": key, "due_at": micros(at), "attempt": 0, "claimed_until": 0}
        await self._connection.run(_ADD, row)

    async def planned(self, kind: str, key: str) -> bool:
        """Whether there is such an item."""
        return await self._connection.row(_PLANNED, {"of_kind": kind, "of_key": key}) is not None

    async def upcoming(self, until: Instant, most: int) -> Sequence[DueItem]:
        """What may run by an instant, the first `most` of it in order; `due_at` is when it may, claims considered."""
        rows = await self._connection.rows(_UPCOMING, {"until": micros(until), "most": most})
        return [_item(row) for row in rows]

    async def waiting(self, now: Instant) -> Sequence[str]:
        """The kinds of which anything is due at `now` that nobody has claimed."""
        return [str(kind) for (kind,) in await self._connection.rows(_LOOK, {"now": micros(now)})]

    async def claim(self, kind: str, now: Instant, until: Instant, most: int) -> Sequence[DueItem]:
        """Claim what of a kind is due at `now`, earliest first, for this runner alone until an instant."""
        rows = await self._connection.rows(_FIND, {"of_kind": kind, "now": micros(now), "most": most})
        items = [_item(row) for row in rows]
        for item in items:
            await self._connection.run(_CLAIM, {**_key(item), "until": micros(until)})
        return items

    async def done(self, item: DueItem) -> None:
        """Remove a claimed item, unless it was added again meanwhile, or the claim ran out and another has it."""
        await self._connection.run(_DONE, {**_key(item), "claimed_attempt": item.attempt})

    async def retry(self, item: DueItem, at: Instant) -> None:
        """Give a claimed item back, to run again at an instant, unless it is somebody else's by now."""
        await self._connection.run(_RETRY, {**_key(item), "at": micros(at), "claimed_attempt": item.attempt})


def _key(item: DueItem) -> dict[str, str | int | bytes | None]:
    return {"of_kind": item.kind, "of_key": item.key}


def _item(row: Row) -> DueItem:
    kind, key, due_at, attempt = row
    return DueItem(str(kind), str(key), instant(due_at), attempt + 1)
