"""Migrate a database to the present schema, in any mode."""

from __future__ import annotations

from contextlib import suppress

from openers.cli.writing import writer_lock
from openers.settings import Settings
from openers.store.opening import migrate


async def migrate_only(settings: Settings) -> bool:
    """Migrate the database; return whether anything changed. Raises BlockingIOError, Unavailable."""
    lock = writer_lock(settings)
    try:
        with suppress(OSError):  # the directory of keys shows which release made the database: `openers.places`
            settings.audit_key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return await migrate(settings.database_url)
    finally:
        if lock is not None:
            lock.release()
