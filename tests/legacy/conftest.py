"""Fixtures of the tests of the API of 2018."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests.kit.referrals.fixtures import booking, cast, desk, own
from tests.kit.service.running import Running
from tests.legacy.client import Program, programs
from tests.legacy.place import place

__all__ = ["booking", "cast", "desk", "own", "place"]


@pytest.fixture
async def program(on_both: Running) -> AsyncGenerator[Program]:
    """Run the service with the demo world, once for each kind of database; return a program that calls it."""
    async with programs(on_both.service) as (made,):
        yield made
