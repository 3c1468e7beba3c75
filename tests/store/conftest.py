"""Fixtures for empty stores: migrated, without data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from openers.store.opening import migrate, open_store
from openers.store.sqlite import SqliteStore, open_sqlite
from openers.usecases.ports.transaction import Store
from tests.kit.store.records import KEY


@pytest.fixture
async def store(empty_url: str) -> AsyncGenerator[Store]:
    """Open an empty store; each test runs on each kind of database."""
    await migrate(empty_url)
    opened = await open_store(empty_url, KEY)
    yield opened
    await opened.close()


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    """Create a migrated SQLite file."""
    path = tmp_path / "openers.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture
async def sqlite(sqlite_file: Path) -> AsyncGenerator[SqliteStore]:
    """Open an empty store on SQLite."""
    opened = open_sqlite(sqlite_file, KEY)
    yield opened
    await opened.close()
