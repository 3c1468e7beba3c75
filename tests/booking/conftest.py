"""Fixtures of the booking tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.booking.rig import Rig, rig
from tests.service import copied
from tests.stores import PostgresServer


@pytest.fixture
async def booking(demo_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """A service with a PAS behind it: one test on each kind of database."""
    async with rig(demo_url, keys) as made:
        yield made


@pytest.fixture
async def hurried(demo_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """The same, but it soon gives up waiting for its PAS."""
    async with rig(demo_url, keys, pas_timeout_s=0.3) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database with the demo world for a whole module, on each kind."""
    if request.param == "sqlite":
        return copied(request.getfixturevalue("sqlite_template"), tmp_path_factory.mktemp("desk"))
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create(request.getfixturevalue("postgres_template"))


@pytest.fixture(scope="module")
async def desk(desk_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """The same for a whole module, for tests that mind nothing others leave there."""
    async with rig(desk_url, keys) as made:
        yield made
