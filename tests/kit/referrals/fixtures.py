"""Fixtures for tests of bookings, acts and worklists: a service with a PAS behind it, and everybody who acts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.kit.referrals.cast import Cast, gathered
from tests.kit.referrals.rig import Rig, rig


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


@pytest.fixture(scope="module")
async def cast(desk: Rig) -> Cast:
    """A service for a whole module, on each kind of database, with everybody who acts."""
    await desk.add_slots(60)
    return await gathered(desk)


@pytest.fixture
async def own(booking: Rig) -> Cast:
    """The same for one test."""
    await booking.add_slots(5)
    return await gathered(booking)
