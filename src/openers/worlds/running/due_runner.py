"""Run due work of the main world in real time. Work of forks runs only when their clocks are advanced."""

from __future__ import annotations

from openers.usecases.due import DueRunner
from openers.worlds.running.registry import Worlds


class MainRunner:
    """Runs due work of main unless main is locked. A frozen world runs nothing by itself."""

    def __init__(self, inner: DueRunner, worlds: Worlds, *, frozen: bool) -> None:
        """Store `inner`, the runner of main; it is stopped while main is locked."""
        self._inner, self._worlds, self._frozen = inner, worlds, frozen
        worlds.main.runner = inner

    async def look(self) -> int:
        """Start due items and return their number; also delete idle forks. Raises Unavailable."""
        await self._worlds.drop_idle()
        if self._frozen or self._worlds.main.turn.locked():
            return 0
        async with self._worlds.main.turn:
            return await self._inner.look()

    async def rest(self, at_most_s: float) -> None:
        """Return when an item has ended, or after `at_most_s` seconds. Raises Unavailable."""
        await self._inner.rest(at_most_s)

    async def stop(self) -> None:
        """Stop running items. Raises Unavailable."""
        await self._inner.stop()
