"""Fixtures for services in test mode."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.kit.referrals.rig import Rig, linked
from tests.kit.service.running import Running, copied, open_test_service, running, settings_for


@pytest.fixture
async def probed(sqlite_template: Path, tmp_path: Path, keys: Path) -> AsyncGenerator[Running]:
    """Run the service in test mode, with the demo world on SQLite."""
    async with running(settings_for(copied(sqlite_template, tmp_path), keys), open_it=open_test_service) as run:
        yield run


@pytest.fixture
async def probed_on_both(demo_url: str, keys: Path) -> AsyncGenerator[Running]:
    """Run the service in test mode; each test runs on each kind of database."""
    async with running(settings_for(demo_url, keys), open_it=open_test_service) as run:
        yield run


@pytest.fixture
async def desk(probed: Running) -> AsyncGenerator[Rig]:
    """Run the service in test mode, linked to a PAS with some free slots."""
    async with linked(probed) as rig:
        await rig.add_slots(5)
        yield rig
