"""Reading the stored audit for verification, on a connection of its own, beside a running service."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import asyncpg

from openers.domain.errors import Unavailable
from openers.store.audit_chain import Block, Head
from openers.store.audit_rows import BLOCKS, HEADS, block_of, head_of
from openers.store.opening import sqlite_path

Chain = tuple[Iterable[Block], list[tuple[Head, bytes]]]


async def read_chain(url: str) -> Chain:
    """All blocks and heads in the database at `url`, of one moment. Raises Unavailable."""
    path = sqlite_path(url)
    try:
        return await _from_postgres(url) if path is None else _from_sqlite(path)
    except (sqlite3.Error, asyncpg.PostgresError, OSError) as error:
        raise Unavailable("database") from error


def _from_sqlite(path: Path) -> Chain:
    """Blocks are read as they are asked for; the heads first, so that a running service can only be ahead of them."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
        heads = [head_of(row) for row in raw.execute(HEADS.sqlite)]
    return _sqlite_blocks(path), heads


def _sqlite_blocks(path: Path) -> Iterator[Block]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
        yield from map(block_of, raw.execute(BLOCKS.sqlite))


async def _from_postgres(url: str) -> Chain:
    raw = await asyncpg.connect(url)
    try:
        async with raw.transaction(isolation="repeatable_read", readonly=True):
            heads = [head_of(tuple(row)) for row in await raw.fetch(HEADS.postgres)]
            blocks = [block_of(tuple(row)) for row in await raw.fetch(BLOCKS.postgres)]
    finally:
        await raw.close()
    return blocks, heads
