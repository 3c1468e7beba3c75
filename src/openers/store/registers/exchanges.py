"""The exchange log in SQL.

The one row of `exchange_log` has the last number and the size of all batches. Each writer updates it first, also to
remove batches, so that writers wait for each other, the size is right, and a batch never appears after one with a
higher number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import BigInteger, bindparam, case, delete, insert, select, update

from openers.domain.clock import Instant
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.store.engine.statements import Connection, Row, Statement, micros
from openers.store.engine.tables import exchange_batches, exchange_log

_REMOVED_AT_ONCE: Final = 256
_EXPIRED_AT_ONCE: Final = 10_000
_READ_AT_ONCE: Final = 8192
"""Batches whose sizes are read for a page; a quiet service has one call in a batch."""
_log, _batches = exchange_log.c, exchange_batches.c
_following = _log.number + 1
_now = bindparam("now", type_=BigInteger())

_ADVANCE: Final = Statement(
    update(exchange_log)
    .values(
        number=case((_following > _now, _following), else_=_now),
        size=_log.size + bindparam("added"),
    )
    .returning(_log.number, _log.size)
)
_SHRINK: Final = Statement(update(exchange_log).values(size=_log.size - bindparam("removed")))
_ADD: Final = Statement(insert(exchange_batches))
_OLDEST: Final = Statement(select(_batches.number, _batches.size).order_by(_batches.number).limit(_REMOVED_AT_ONCE))
_REMOVE: Final = Statement(delete(exchange_batches).where(_batches.number <= bindparam("last")))
_EXPIRED: Final = select(_batches.number).where(_batches.until <= bindparam("now")).limit(_EXPIRED_AT_ONCE)
_EXPIRE: Final = Statement(
    delete(exchange_batches).where(_batches.number.in_(_EXPIRED.scalar_subquery())).returning(_batches.size)
)
_SIZES: Final = Statement(
    select(_batches.number, _batches.size)
    .where(_batches.number > bindparam("since"), _batches.until > bindparam("now"))
    .order_by(_batches.number)
    .limit(_READ_AT_ONCE)
)
_BETWEEN: Final = Statement(
    select(_batches.lines, _batches.count, _batches.number)
    .where(_batches.number > bindparam("since"), _batches.number <= bindparam("last"))
    .order_by(_batches.number)
)


class SqlExchanges:
    """The `Exchanges` port over one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        """Store `connection`, which is in the transaction that reads and writes."""
        self._connection = connection

    async def add(self, batch: ExchangeBatch, now: Instant, bounds: LogBounds) -> None:
        """Store a batch, and remove the oldest ones beyond the bounds.

        Numbers are not below the time in microseconds, so that they rise also after a world was reset.
        """
        size = len(batch.lines)
        ((number, total),) = await self._connection.rows(_ADVANCE, {"now": micros(now), "added": size})
        until = micros(now + timedelta(days=bounds.days))
        values = {"number": number, "until": until, "size": size, "count": batch.count, "lines": batch.lines}
        await self._connection.run(_ADD, values)
        await self._remove(total - bounds.most_bytes)

    async def after(self, number: int, now: Instant, most_bytes: int) -> Sequence[ExchangeBatch]:
        """Return the next batches after `number`: at least one if there is any, then up to `most_bytes`."""
        last, held = number, 0
        for following, size in await self._connection.rows(_SIZES, {"since": number, "now": micros(now)}):
            held += size
            if held > most_bytes and last != number:
                break
            last = following
        rows: list[Row] = []
        if last != number:
            rows = await self._connection.rows(_BETWEEN, {"since": number, "last": last})
        return [ExchangeBatch(*row) for row in rows]

    async def purge(self, now: Instant) -> int:
        """Remove batches that are too old, in any order, as the days to keep them may change; return how many."""
        await self._connection.run(_SHRINK, {"removed": 0})
        count = 0
        while sizes := await self._connection.rows(_EXPIRE, {"now": micros(now)}):
            await self._connection.run(_SHRINK, {"removed": sum(size for (size,) in sizes)})
            count += len(sizes)
        return count

    async def _remove(self, excess: int) -> None:
        """Remove the oldest batches until `excess` bytes are gone, or all are."""
        while excess > 0 and (oldest := await self._connection.rows(_OLDEST, {})):
            removed = last = 0
            for number, size in oldest:
                if removed >= excess:
                    break
                removed, last = removed + size, number
            await self._connection.run(_REMOVE, {"last": last})
            await self._connection.run(_SHRINK, {"removed": removed})
            excess -= removed
