"""Fixtures: a service with administrators, on both databases."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.kit.service.administration import administered
from tests.kit.service.running import Running, open_test_service, running, settings_for


@pytest.fixture(scope="module")
async def served(shared_url: str, keys: Path) -> AsyncGenerator[Running]:
    """Run a service in test mode with administrators for a module, once for each kind of database."""
    async with running(settings_for(shared_url, keys), open_it=open_test_service) as run:
        yield await administered(run)
