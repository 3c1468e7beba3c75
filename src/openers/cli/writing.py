"""A world that a command may change: the only process on a SQLite file, or beside services on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from openers.bootstrap import open_world
from openers.domain.codes import ClinicalTerm
from openers.settings import Settings
from openers.store.engine.writer_lock import WriterLock
from openers.telemetry.logs import configure
from openers.telemetry.metrics import Metrics
from openers.usecases.due import system_entry
from openers.usecases.world import World


@asynccontextmanager
async def writing_world(
    settings: Settings, audit_type: str, terms: Iterable[ClinicalTerm] = ()
) -> AsyncGenerator[World]:
    """Open the settings' world, migrated and bound to an audit entry of this type, for the block.

    Raises BlockingIOError (a service writes to the file), Unavailable, SettingsError.
    """
    configure(settings.log_format)
    lock = writer_lock(settings)
    try:
        world = await open_world(settings, Metrics(), terms)
        try:
            yield world.for_call(system_entry(audit_type, world.wall.now()))
        finally:
            await world.pas.close()
            await world.store.close()
    finally:
        if lock is not None:
            lock.release()


def writer_lock(settings: Settings) -> WriterLock | None:
    """Acquire the right to write to the SQLite file; PostgreSQL needs none. Raises BlockingIOError."""
    path = settings.sqlite_path
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return WriterLock(path)
