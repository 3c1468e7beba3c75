"""Fixtures for the tests of single operations."""

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
    """Run a service with a PAS, once for each kind of database."""
    async with rig(demo_url, keys) as made:
        yield made


@pytest.fixture
async def booked(booking: Rig) -> tuple[Rig, str, datetime]:
    """Run a service with a booked referral; return it with the UBRN and the start of the appointment."""
    await booking.add_slots(1)
    referral, (slot,) = await booking.refer(), await booking.free()
    reply = await booking.book(referral, slot)
    assert reply.status_code == 201, reply.text
    return booking, str(referral["id"]), datetime.fromisoformat(slot["start"])


@pytest.fixture(scope="module")
async def stage(shared: Running) -> AsyncGenerator[Stage]:
    """Create the records that operations are called on, once for a module."""
    async with linked(shared) as rig:
        yield await set_stage(rig)


@pytest.fixture(scope="module")
async def practice(shared: Running) -> Practice:
    """Return a practice on SQLite for a module. Its tests must tolerate each other's records."""
    return await practice_in(shared)


@pytest.fixture(scope="module")
async def practice_on_both(shared_url: str, keys: Path) -> AsyncGenerator[Practice]:
    """Return a practice for a module, once for each kind of database."""
    async with running(settings_for(shared_url, keys)) as run:
        yield await practice_in(run)
