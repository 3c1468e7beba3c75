"""What an administrator's commands work with: the settings' world, for as long as a command takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from openers.bootstrap import open_world
from openers.cli.demo import writer_lock
from openers.settings import Settings
from openers.telemetry.metrics import Metrics
from openers.usecases.due import system_entry
from openers.usecases.world import World


@asynccontextmanager
async def administered(settings: Settings, audit_type: str) -> AsyncGenerator[World]:
    """The world, bound to an audit entry of this type. Raises BlockingIOError (a service writes), Unavailable."""
    lock = writer_lock(settings)
    world = await open_world(settings, Metrics())
    try:
        yield world.for_call(system_entry(audit_type, world.wall.now()))
    finally:
        await world.pas.close()
        await world.store.close()
        if lock is not None:
            lock.release()
