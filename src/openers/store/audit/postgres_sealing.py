"""Seal waiting audit entries on PostgreSQL: each round moves some of them into blocks, in one transaction.

Between two blocks the event loop is free for other calls, so no reply waits for a whole round. The record of decisions
on the chained audit holds the rules of the chain.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from asyncpg.pool import PoolConnectionProxy

from openers.store.audit.chain import Block, Head, Sealer
from openers.store.audit.patients import ADD_CONCERNED, concerned
from openers.store.audit.rows import HEADS, PUT_HEAD, head_of, head_row
from openers.store.engine.statements import Value

WRITER: Final = "postgresql"
"""Name of the one audit chain."""
SEALING: Final = 0x0E55EA1
"""Advisory lock of the sealer, so that two processes never seal at the same time."""
SEALED_AT_ONCE: Final = 64
"""Entries in one audit block."""
TAKEN_AT_ONCE: Final = 512
"""Entries in one round; reading them occupies the event loop for about a millisecond."""

_LOCK: Final = "SELECT pg_try_advisory_xact_lock($1)"
_TAKE: Final = """
DELETE FROM audit_pending WHERE id IN (SELECT id FROM audit_pending ORDER BY id LIMIT $1) RETURNING id, entry
"""
_ADD: Final = """
INSERT INTO audit_blocks (writer, seq, entries, mac)
SELECT $1, seq, entries, mac FROM unnest($2::bigint[], $3::bytea[], $4::bytea[]) AS block (seq, entries, mac)
"""


async def seal_some(raw: PoolConnectionProxy[Any], key: bytes) -> tuple[int, int]:
    """Seal up to `TAKEN_AT_ONCE` waiting entries within a transaction, unless another process is sealing.

    Return the number of sealed entries and the number of the last block.
    """
    may_seal = await raw.fetchval(_LOCK, SEALING)
    sealer = await _sealer(raw, key)
    rows = await raw.fetch(_TAKE, TAKEN_AT_ONCE) if may_seal else []
    if not rows:
        return 0, sealer.head.seq
    entries = [entry for _, entry in sorted(map(tuple[int, bytes], rows))]
    blocks: list[Block] = []
    patients: list[dict[str, Value]] = []
    for start in range(0, len(entries), SEALED_AT_ONCE):
        blocks.append(sealer.seal(entries[start : start + SEALED_AT_ONCE]))
        sealer.advance(blocks[-1])
        patients += concerned(blocks[-1])
        await asyncio.sleep(0)
    columns = ([each.seq for each in blocks], [each.entries for each in blocks], [each.mac for each in blocks])
    await raw.execute(_ADD, WRITER, *columns)
    names = ADD_CONCERNED.postgres_names
    await raw.executemany(ADD_CONCERNED.postgres, [[each[name] for name in names] for each in patients])
    head = head_row(blocks[-1], key)
    await raw.execute(PUT_HEAD.postgres, *(head[name] for name in PUT_HEAD.postgres_names))
    return len(entries), sealer.head.seq


async def chain_heads(raw: PoolConnectionProxy[Any]) -> list[Head]:
    """Return the stored heads of the audit chains."""
    return [head_of(tuple(row))[0] for row in await raw.fetch(HEADS.postgres)]


async def _sealer(raw: PoolConnectionProxy[Any], key: bytes) -> Sealer:
    """Return a sealer that continues at the stored head."""
    for head in await chain_heads(raw):
        if head.writer == WRITER:
            return Sealer(key, *head)
    return Sealer(key, WRITER)
