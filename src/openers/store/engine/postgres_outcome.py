"""What became of an act whose COMMIT got no answer.

An act leaves a trace that says whether it was committed: its audit entry, which is written in the same transaction.
The entry waits in `audit_pending` until it is sealed into a block, so both are searched. The state of the transaction
tells when it is early to look. By itself it is no proof: a server that crashed may give its number to another one.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import asyncpg
from asyncpg.pool import PoolConnectionProxy

_RECORD: Final = "INSERT INTO audit_pending (entry) VALUES ($1) RETURNING id, pg_current_xact_id()::text AS transaction"
_STATE: Final = "SELECT pg_xact_status($1::text::xid8)"
_FIND: Final = """
SELECT EXISTS (SELECT FROM audit_pending WHERE id = $1 AND entry = $2)
    OR EXISTS (SELECT FROM audit_blocks WHERE writer = $3 AND seq > $4 AND position($2 IN entries) > 0)
"""
_COMMITTED: Final = "committed"
_UNDER_WAY: Final = "in progress"


class Trace(NamedTuple):
    """The audit entry of an act, its number in `audit_pending`, and the number of the transaction that wrote it.

    `sealed` is a block of the writer's chain that was sealed before the entry was written.
    """

    entry: bytes
    number: int
    transaction: str
    writer: str
    sealed: int


async def record(raw: PoolConnectionProxy[Any], entry: bytes, writer: str, sealed: int) -> Trace:
    """Write the audit entry of an act in its transaction."""
    [row] = await raw.fetch(_RECORD, entry)
    return Trace(entry, row["id"], row["transaction"], writer, sealed)


async def was_committed(raw: PoolConnectionProxy[Any], trace: Trace) -> bool | None:
    """Return whether the act that left `trace` was committed; `None` while its transaction is under way."""
    try:
        state = await raw.fetchval(_STATE, trace.transaction)
    except asyncpg.InvalidParameterValueError:  # a number that the server has not reached: it crashed and forgot it
        return False
    if state == _UNDER_WAY:
        return None
    if state != _COMMITTED:
        return False
    return bool(await raw.fetchval(_FIND, trace.number, trace.entry, trace.writer, trace.sealed))
