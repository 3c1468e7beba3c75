"""Pass the parent's complete settings to a serving process as one value, which that process checks and logs.

`openers.server` calls it, in the parent and in each worker process. A worker never reads its own environment:
command-line options may differ from it, and the workers would then serve different data at one address.
"""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from importlib.metadata import version
from typing import Final

import msgspec
import structlog
from uvicorn.supervisors import Multiprocess

from openers.settings import Settings, SettingsError

TEST_MODE: Final = "openers.worlds"
"""The package of test mode, which production must not be able to import."""
_log = structlog.get_logger()


class HandedOver(msgspec.Struct, frozen=True):
    """Settings on their way to a worker, with the parent's digest of them. Can be pickled."""

    settings: Settings
    digest: str

    def opened(self) -> Settings:
        """Return the settings. Raises SettingsError if this process reads them differently from its parent."""
        if _digest(self.settings) != self.digest:
            problem = "This worker reads other settings than its parent, perhaps after an update: restart the service"
            raise SettingsError((problem,))
        return self.settings


def hand_over(settings: Settings) -> HandedOver:
    """Prepare `settings` for a worker."""
    return HandedOver(settings, _digest(settings))


def begin_process(settings: Settings) -> None:
    """Log the settings of this process; in production, block the import of test mode.

    Raises RuntimeError if production has loaded that package already.
    """
    if settings.production:
        if sys.modules.get(TEST_MODE) is not None:
            raise RuntimeError("production has loaded the modules of test mode")
        sys.modules[TEST_MODE] = None  # type: ignore[assignment]  # makes its import fail
    _log.info("settings in force", pid=os.getpid(), values=settings.changed())


class Workers(Multiprocess):
    """The worker processes, from the view of their parent."""

    def keep_subprocess_alive(self) -> None:
        """Replace a worker that has died; stop all of them if one could not start."""
        for process in self.processes:
            process.child_conn.close()  # while the parent also holds the worker's end open, its death is not noticed
        super().keep_subprocess_alive()


def _digest(settings: Settings) -> str:
    """Return a digest of the package version and all settings, secrets included: never logged."""
    values = sorted((name, str(value)) for name, value in msgspec.structs.asdict(settings).items())
    return sha256(msgspec.json.encode([version("openers"), values])).hexdigest()
