"""Fixtures of the test mode tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.kit.service.running import copied
from tests.kit.service.worlds import Rig, rig


@pytest.fixture
async def here(sqlite_template: Path, tmp_path: Path, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with the demo world on SQLite."""
    async with rig(copied(sqlite_template, tmp_path), keys) as made:
        yield made


@pytest.fixture
async def on_each(demo_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """Run a service with the demo world; each test runs on each kind of database."""
    async with rig(demo_url, keys) as made:
        yield made
