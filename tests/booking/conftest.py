"""Fixtures of the booking tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.booking.rig import Rig, rig


@pytest.fixture
async def booking(demo_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """A service with a PAS behind it: one test on each kind of database."""
    async with rig(demo_url, keys) as made:
        yield made


@pytest.fixture(scope="module")
async def desk(shared_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """The same for a whole module, for tests that mind nothing others leave there."""
    async with rig(shared_url, keys) as made:
        yield made
