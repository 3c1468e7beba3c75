"""Read the stored audit for verification, on a separate connection while the service runs."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from openers.domain.errors import Unavailable
from openers.store.audit.chain import Block, Head, head_mac
from openers.store.audit.rows import BLOCKS, HAS_BLOCKS, HEADS, USED, WAITING, block_of, head_of
from openers.store.engine.sqlite_connection import sqlite_path
from openers.store.engine.statements import Row

if TYPE_CHECKING:
    import asyncpg

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
        async with _postgres(url) as raw:
            values = [await raw.fetchval(each.postgres) for each in _STATE]
            return _state([tuple(row) for row in await raw.fetch(HEADS.postgres)], values)
    with _sqlite(path) as raw:
        values = [raw.execute(each.sqlite).fetchone()[0] for each in _STATE]
        return _state(raw.execute(HEADS.sqlite), values)


async def read_chain(url: str) -> Chain:
    """Return all blocks and heads in the database at `url`, in one consistent state. Raises Unavailable.

    On SQLite, blocks are read lazily. The heads are read first, so a running service can only add blocks after them.
    """
    path = sqlite_path(url)
    if path is None:
        async with _postgres(url) as raw:
            heads = [head_of(tuple(row)) for row in await raw.fetch(HEADS.postgres)]
            return [block_of(tuple(row)) for row in await raw.fetch(BLOCKS.postgres)], heads
    with _sqlite(path) as raw:
        heads = [head_of(row) for row in raw.execute(HEADS.sqlite)]
    return _sqlite_blocks(path), heads


@contextmanager
def _sqlite(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """Open a read-only connection. Raises Unavailable."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            yield raw
    except sqlite3.Error as error:
        raise Unavailable("database") from error


def _sqlite_blocks(path: Path) -> Iterator[Block]:
    with _sqlite(path) as raw:
        yield from map(block_of, raw.execute(BLOCKS.sqlite))


@asynccontextmanager
async def _postgres(url: str) -> AsyncGenerator[asyncpg.Connection[Any], None]:
    """Open a connection in a read-only transaction with a consistent snapshot. Raises Unavailable."""
    import asyncpg  # slow to import, and a service on SQLite does not need it

    from openers.store.engine.postgres_errors import DRIVER

    try:
        raw = await asyncpg.connect(url)
        try:
            async with raw.transaction(isolation="repeatable_read", readonly=True):
                yield raw
        finally:
            await raw.close()
    except DRIVER as error:
        raise Unavailable("database") from error


def _state(heads: Iterable[Row], values: Sequence[Any]) -> AuditState:
    has_blocks, waiting, used = values
    return AuditState([head_of(row) for row in heads], bool(has_blocks), int(waiting), bool(used))
