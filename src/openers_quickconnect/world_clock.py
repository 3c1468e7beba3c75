"""The clock of the world for the banner of test mode, asked for at most once in some seconds."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Final

from openers_client import ErsError
from openers_client.http import get
from openers_web.dates import moment_in_words

KEPT_S: Final = 5.0


class WorldClock:
    """Tells the time of a service in test mode; nothing of a service that has no such clock."""

    def __init__(self, service: str) -> None:
        """`service` is its base URL; without one, nothing is told."""
        self._address = f"{service}/_test/clock" if service else ""
        self._told, self._until = "", 0.0

    async def told(self) -> str:
        """Return the time in words, and whether the clock runs; empty if it is not known."""
        if self._address and time.monotonic() >= self._until:
            self._until = time.monotonic() + KEPT_S
            self._told = await asyncio.to_thread(self._asked)
        return self._told

    def _asked(self) -> str:
        try:
            shown = get(self._address, {"Accept": "application/json"}).json()
            now = datetime.fromisoformat(str(shown["now"]))
        except (ErsError, KeyError, ValueError):
            return ""
        return f"Clock of this world: {moment_in_words(now)}{'' if shown.get('running', True) else ', stopped'}"
