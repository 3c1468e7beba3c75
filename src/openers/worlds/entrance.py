"""Entry point of test mode for the server: open its service, with connections that can be dropped.

The parent of worker processes imports this module, which does not load the service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openers.settings import Settings, check_test_packages
from openers.worlds.recording.connection import ControlledProtocol

if TYPE_CHECKING:
    from openers.worlds.mode import TestService

CONNECTIONS: Final = ControlledProtocol


async def open_service(settings: Settings) -> TestService:
    """Open the service that the settings describe, in test mode. Raises Unavailable, SettingsError."""
    check_test_packages()
    from openers.worlds.mode import open_test_service  # late: a worker answers its parent before

    return await open_test_service(settings)
