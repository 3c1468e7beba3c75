"""`openers work`: run only due work, for PostgreSQL databases that several processes share."""

from __future__ import annotations

import asyncio
import signal

from openers.server import Application, application_of
from openers.settings import Settings, SettingsError
from openers.telemetry.logs import configure


async def work_alone(settings: Settings) -> None:
    """Run due work until SIGINT or SIGTERM. Raises SettingsError on SQLite, where the service runs its own."""
    if settings.sqlite_path is not None:
        raise SettingsError(("openers work is for PostgreSQL; on SQLite the service runs due work itself",))
    configure(settings.log_format)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    application: Application = application_of(settings)
    await application.start()
    await stopped.wait()
    await application.stop()
