"""Read the stored audit for verification, on a separate connection while the service runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from openers.store.audit.chain import Block, Head, head_mac
from openers.store.audit.rows import BLOCKS, HAS_BLOCKS, HEADS, USED, WAITING, block_of, head_of
from openers.store.engine.reading import reading_postgres, reading_sqlite
from openers.store.engine.sqlite_connection import sqlite_path
from openers.store.engine.statements import Row

_STATE: Final = (HAS_BLOCKS, WAITING, USED)
Chain = tuple[Iterable[Block], list[tuple[Head, bytes]]]


class AuditState(NamedTuple):
    """The state of a store's audit, without the blocks."""

    heads: list[tuple[Head, bytes]]
    has_blocks: bool
    waiting: int
    """Number of entries that are not sealed yet."""
    used: bool
    """Whether the store contains any record; each was written with an audit entry."""

    def fits(self, key: bytes) -> bool:
        """Return whether `key` sealed the heads."""
        return all(mac == head_mac(key, head) for head, mac in self.heads)


async def read_state(url: str) -> AuditState:
    """Return the state of the audit in the database at `url`. Raises Unavailable."""
    path = sqlite_path(url)
    if path is None:
        async with reading_postgres(url) as raw:
            values = [await raw.fetchval(each.postgres) for each in _STATE]
            return _state([tuple(row) for row in await raw.fetch(HEADS.postgres)], values)
    with reading_sqlite(path) as raw:
        values = [raw.execute(each.sqlite).fetchone()[0] for each in _STATE]
        return _state(raw.execute(HEADS.sqlite), values)


async def read_chain(url: str) -> Chain:
    """Return all blocks and heads in the database at `url`, in one consistent state. Raises Unavailable.

    On SQLite, blocks are read lazily. The heads are read first, so a running service can only add blocks after them.
    """
    path = sqlite_path(url)
    if path is None:
        async with reading_postgres(url) as raw:
            heads = [head_of(tuple(row)) for row in await raw.fetch(HEADS.postgres)]
            return [block_of(tuple(row)) for row in await raw.fetch(BLOCKS.postgres)], heads
    with reading_sqlite(path) as raw:
        heads = [head_of(row) for row in raw.execute(HEADS.sqlite)]
    return _sqlite_blocks(path), heads


def _sqlite_blocks(path: Path) -> Iterator[Block]:
    with reading_sqlite(path) as raw:
        yield from map(block_of, raw.execute(BLOCKS.sqlite))


def _state(heads: Iterable[Row], values: Sequence[Any]) -> AuditState:
    has_blocks, waiting, used = values
    return AuditState([head_of(row) for row in heads], bool(has_blocks), int(waiting), bool(used))
