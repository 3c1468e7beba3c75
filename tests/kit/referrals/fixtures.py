"""Fixtures for tests of bookings, acts and worklists: a service with a PAS, and all its users."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.kit.referrals.cast import Cast, gathered
from tests.kit.referrals.rig import Rig, rig


@pytest.fixture
async def booking(demo_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with a PAS for one test, on each kind of database."""
    async with rig(demo_url, keys) as made:
        yield made


@pytest.fixture(scope="module")
async def desk(shared_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with a PAS for a whole module. Its tests must tolerate each other's records."""
    async with rig(shared_url, keys) as made:
        yield made


@pytest.fixture(scope="module")
async def cast(desk: Rig) -> Cast:
    """Log in all users at the module's service, which has free slots."""
    await desk.add_slots(60)
    return await gathered(desk)


@pytest.fixture
async def own(booking: Rig) -> Cast:
    """Log in all users at the service of one test, which has free slots."""
    await booking.add_slots(5)
    return await gathered(booking)
