"""Direct SQL access to the database, which bypasses the service."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from itertools import count
from typing import Any

import asyncpg

from openers.store.audit.chain import lines_of
from openers.store.engine.sqlite_connection import sqlite_path
from tests.kit.service.running import Running


async def fetch(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query. Its parameters are written `?`."""
    path = sqlite_path(url)
    if path is not None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            return raw.execute(sql, values).fetchall()  # pyright: ignore[reportArgumentType]  # values fit their columns
    raw = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await raw.fetch(_numbered(sql), *values)]
    finally:
        await raw.close()


Tables = dict[str, list[tuple[Any, ...]]]


async def tables(url: str, *names: str) -> Tables:
    """Return all rows of these tables over one connection, sorted."""
    path = sqlite_path(url)
    if path is not None:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            return {name: _in_order(raw.execute(f"SELECT * FROM {name}").fetchall()) for name in names}
    raw = await asyncpg.connect(url)
    try:
        return {name: _in_order([tuple(row) for row in await raw.fetch(f"SELECT * FROM {name}")]) for name in names}
    finally:
        await raw.close()


def _in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


async def audit_entries(url: str) -> list[dict[str, Any]]:
    """Return every audit entry in order, sealed or not."""
    blocks = await fetch(url, "SELECT entries FROM audit_blocks ORDER BY seq")
    sealed = [line[17:] for row in blocks for line in lines_of(bytes(row[0]))]
    waiting = [bytes(row[0]) for row in await fetch(url, "SELECT entry FROM audit_pending ORDER BY id")]
    return [json.loads(text) for text in (*sealed, *waiting)]


async def entries(run: Running) -> list[dict[str, Any]]:
    """Return every audit entry that another connection reads, in order, sealed or not."""
    return await audit_entries(run.service.settings.database_url)


async def execute(url: str, sql: str, *values: object) -> None:
    """Run a statement. Its parameters are written `?`."""
    await fetch(url, sql, *values)


def _numbered(sql: str) -> str:
    """Return the statement with PostgreSQL's parameters."""
    numbers = count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", sql)
