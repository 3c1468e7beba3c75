"""Find out whether an act was committed if its COMMIT got no reply.

The audit entry, written in the same transaction, shows whether the act was committed. The entry waits in
`audit_pending` until it is sealed into a block, so both are searched. The transaction's status shows whether it is too
early to search. It is not proof by itself: a crashed server may reuse the transaction number.

A server whose connection ends while it waits for its standby shows an act that the standby may lack. So a found act
counts only when a later commit has reached the standby, and with it everything before.
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
_REPLICATE: Final = "SELECT pg_logical_emit_message(true, 'openers', '')"
"""Writes a record that nobody reads; its COMMIT waits for the synchronous standby, if there is one."""
_COMMITTED: Final = "committed"
_UNDER_WAY: Final = "in progress"


class Trace(NamedTuple):
    """The audit entry of an act, its number in `audit_pending`, and the number of its transaction.

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
    """Return whether the act of `trace` was committed; `None` while its transaction is in progress.

    Wait as long as a synchronous standby does not confirm.
    """
    try:
        state = await raw.fetchval(_STATE, trace.transaction)
    except asyncpg.InvalidParameterValueError:  # the server crashed and forgot this transaction number
        return False
    if state == _UNDER_WAY:
        return None
    if state != _COMMITTED:
        return False
    if not await raw.fetchval(_FIND, trace.number, trace.entry, trace.writer, trace.sealed):
        return False
    async with raw.transaction():
        await raw.execute(_REPLICATE)
    return True
