"""Fixtures of the tests of single operations."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path

import pytest
from tests.kit.files.practice import Practice, practice_in
from tests.kit.referrals.rig import Rig, linked, rig
from tests.kit.referrals.stage import Stage, set_stage
from tests.kit.service.running import Running, running, settings_for


@pytest.fixture
async def booking(demo_url: str, keys: Path) -> AsyncGenerator[Rig]:
    """A service with a PAS behind it: one test on each kind of database."""
    async with rig(demo_url, keys) as made:
        yield made


@pytest.fixture
async def booked(booking: Rig) -> tuple[Rig, str, datetime]:
    """A service with a referral that is booked: its UBRN, and when the appointment is."""
    await booking.add_slots(1)
    referral, (slot,) = await booking.refer(), await booking.free()
    reply = await booking.book(referral, slot)
    assert reply.status_code == 201, reply.text
    return booking, str(referral["id"]), datetime.fromisoformat(slot["start"])


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
