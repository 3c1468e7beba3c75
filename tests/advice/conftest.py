"""Fixtures for the tests of advice and guidance."""

from __future__ import annotations

import pytest

from tests.kit.referrals.talk import Talk, gathered
from tests.kit.service.running import Running


@pytest.fixture(scope="module")
async def talk(shared: Running) -> Talk:
    """Log in all users at a service on SQLite, for a whole module."""
    return await gathered(shared)


@pytest.fixture
async def both(on_both: Running) -> Talk:
    """Log in all users at the service of one test, on each kind of database."""
    return await gathered(on_both)
