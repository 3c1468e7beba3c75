"""Fixtures of the tests of single operations."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.api.practice import Practice, practice_in
from tests.api.stage import Stage, set_stage
from tests.booking.rig import linked
from tests.service import Running, running, settings_for


@pytest.fixture(scope="module")
async def stage(shared: Running) -> AsyncGenerator[Stage]:
    """What the operations are called on, one for a module."""
    async with linked(shared) as rig:
        yield await set_stage(rig)


@pytest.fixture(scope="module")
async def practice(shared: Running) -> Practice:
    """A practice on SQLite, one for a module: for tests that mind nothing others leave there."""
    return await practice_in(shared)


@pytest.fixture(scope="module")
async def practice_on_both(shared_url: str, keys: Path) -> AsyncGenerator[Practice]:
    """The same on each kind of database."""
    async with running(settings_for(shared_url, keys)) as run:
        yield await practice_in(run)
