"""Fixtures for the tests of overviews."""

from __future__ import annotations

import pytest

from tests.kit.referrals.talk import Talk, gathered
from tests.kit.service.running import Running


@pytest.fixture
async def both(on_both: Running) -> Talk:
    """Log in all users at the service of one test, on each kind of database."""
    return await gathered(on_both)
