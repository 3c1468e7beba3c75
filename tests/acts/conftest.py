"""Fixtures of the tests of acts."""

from __future__ import annotations

import pytest

from tests.acts.cast import Cast, gathered
from tests.booking.conftest import booking, desk
from tests.booking.rig import Rig

__all__ = ["booking", "desk"]


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
