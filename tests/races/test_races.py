"""No slot is booked twice by any number of concurrent callers, and the test would notice it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.kit.pas.small_pas import small_pas
from tests.kit.referrals.scene import add_slots, prepared, served
from tests.races.broken import CarelessPas, broken_source
from tests.races.race import DOUBLE, SLOTS, Race, misfits

pytestmark = pytest.mark.anyio
ROUNDS = int(os.environ.get("OPENERS_RACES_ROUNDS", "20"))
POLLING = {"OPENERS_POLL_EVERY_S": "5"}
"""Poll during the race."""


async def test_two_hundred_callers_for_twenty_slots(demo_url: str, keys: Path, seed: int) -> None:
    with small_pas() as pas:
        add_slots(pas, ROUNDS * SLOTS)
        settings = await prepared(demo_url, keys, pas, **POLLING)
        with served(settings) as services:
            race = Race(services, pas, Random(seed))
            assert await race.run(ROUNDS) == []
            assert len(race.acknowledged) == ROUNDS * SLOTS
    assert await misfits(demo_url, ROUNDS * SLOTS) == []


async def test_a_double_booking_would_be_seen(demo_url: str, keys: Path, tmp_path: Path, seed: int) -> None:
    """The race reports double bookings of a service that holds slots too late; single calls would still succeed."""
    source = broken_source(tmp_path / "broken")
    with small_pas(CarelessPas()) as pas:
        add_slots(pas, SLOTS)
        settings = await prepared(demo_url, keys, pas, PYTHONPATH=str(source))
        with served(settings) as services:
            wrong = await Race(services, pas, Random(seed)).run(1)
    assert any(each.startswith(f"{DOUBLE}: ") for each in wrong), wrong
    assert any(each.startswith(f"{DOUBLE} at the PAS") for each in wrong), wrong


@pytest.fixture
def seed(record_property: Callable[[str, object], None]) -> int:
    """Draw a new seed for each run, and record it with the test's result."""
    drawn = SystemRandom().randrange(2**32)
    record_property("seed", drawn)
    return drawn
