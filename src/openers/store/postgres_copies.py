"""Copy, restore and drop whole databases on PostgreSQL. For test mode only.

A copy uses the database as a template, which requires that nothing is connected to it. Calls during the copy receive
503.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

from openers.domain.errors import Unavailable
from openers.store.engine.postgres_errors import DRIVER
from openers.store.postgres import PostgresStore, migrate_postgres

MAINTENANCE: Final = "postgres"
LONGEST_NAME: Final = 63


async def copy_database(store: PostgresStore, url: str, name: str) -> None:
    """Copy the database of `store`, replacing an earlier copy; copies are named after the one at `url`.

    Raises Unavailable.
    """
    async with store.set_aside(), _maintenance(url) as raw:
        await raw.execute(f"DROP DATABASE IF EXISTS {_copy(url, name)} WITH (FORCE)")
        await raw.execute(f"CREATE DATABASE {_copy(url, name)} TEMPLATE {_quoted(_database(store.url))}")


async def put_back_database(store: PostgresStore, url: str, name: str | None) -> None:
    """Replace the database of `store` with a copy, which is named after the one at `url`, or with an empty one.

    Raises Unavailable.
    """
    own = _quoted(_database(store.url))
    async with store.set_aside():
        async with _maintenance(url) as raw:
            await raw.execute(f"DROP DATABASE {own} WITH (FORCE)")
            template = "template1" if name is None else _copy(url, name)
            await raw.execute(f"CREATE DATABASE {own} TEMPLATE {template}")
        await migrate_postgres(store.url)


async def drop_database(url: str, name: str) -> None:
    """Remove a copy if it exists. Raises Unavailable."""
    async with _maintenance(url) as raw:
        await raw.execute(f"DROP DATABASE IF EXISTS {_copy(url, name)} WITH (FORCE)")


async def create_database(url: str) -> None:
    """Create the database at `url` unless it exists. Raises Unavailable."""
    async with _maintenance(url) as raw:
        if not await raw.fetchval("SELECT true FROM pg_database WHERE datname = $1", _database(url)):
            await raw.execute(f"CREATE DATABASE {_quoted(_database(url))}")


async def remove_database(url: str) -> None:
    """Remove the database at `url` if it exists. Raises Unavailable."""
    async with _maintenance(url) as raw:
        await raw.execute(f"DROP DATABASE IF EXISTS {_quoted(_database(url))} WITH (FORCE)")


@asynccontextmanager
async def _maintenance(url: str) -> AsyncGenerator[asyncpg.Connection[Any], None]:
    """Open a connection to the server that uses none of our databases."""
    try:
        raw = await asyncpg.connect(url, database=MAINTENANCE)
    except DRIVER as error:
        raise Unavailable("database") from error
    try:
        yield raw
    except DRIVER as error:
        raise Unavailable(f"database: {type(error).__name__}") from error
    finally:
        await raw.close()


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def _copy(url: str, name: str) -> str:
    """Return the quoted database name of a copy. A long name is hashed, since the server would truncate it."""
    full = f"{_database(url)}/{name}"
    return _quoted(full if len(full) <= LONGEST_NAME else blake2b(full.encode(), digest_size=16).hexdigest())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
