"""Fixtures of the tests of single operations."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from tests.api.stage import Stage, set_stage
from tests.booking.rig import linked
from tests.service import Running


@pytest.fixture(scope="module")
async def stage(shared: Running) -> AsyncGenerator[Stage]:
    """What the operations are called on, one for a module."""
    async with linked(shared) as rig:
        yield await set_stage(rig)
