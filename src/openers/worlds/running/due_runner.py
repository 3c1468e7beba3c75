"""Due work of the main world in real time. Forks have none: their work runs when their clocks are advanced."""

from __future__ import annotations

from openers.usecases.due import DueRunner
from openers.worlds.running.registry import Worlds


class MainRunner:
    """Does what falls due in main, unless somebody has it to themselves. A frozen world does nothing by itself."""

    def __init__(self, inner: DueRunner, worlds: Worlds, *, frozen: bool) -> None:
        """`inner` is the runner of main; who takes main for themselves breaks it off."""
        self._inner, self._worlds, self._frozen = inner, worlds, frozen
        worlds.main.runner = inner

    async def look(self) -> int:
        """Begin what is due now; how many items that is. Drops forks that nobody uses. Raises Unavailable."""
        await self._worlds.drop_idle()
        if self._frozen or self._worlds.main.turn.locked():
            return 0
        async with self._worlds.main.turn:
            return await self._inner.look()

    async def rest(self, at_most_s: float) -> None:
        """Return when an item has ended, or so many seconds have passed. Raises Unavailable."""
        await self._inner.rest(at_most_s)

    async def stop(self) -> None:
        """Break off what is under way. Raises Unavailable."""
        await self._inner.stop()
