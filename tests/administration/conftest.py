"""Fixtures: a service with administrators, on both databases."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.kit.service.administration import administered
from tests.kit.service.running import Running, running, settings_for


@pytest.fixture(scope="module")
async def administered_on_both(shared_url: str, keys: Path) -> AsyncGenerator[Running]:
    """Run a service with administrators for a module, once for each kind of database."""
    async with running(settings_for(shared_url, keys)) as run:
        yield await administered(run)
