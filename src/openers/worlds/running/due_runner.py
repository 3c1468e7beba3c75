"""Run due work of main and of kept worlds in real time. Work of forks runs only when their clocks are advanced."""

from __future__ import annotations

import structlog

from openers.domain.errors import OpenersError
from openers.usecases.due import DueRunner
from openers.worlds.running.registry import Worlds
from openers.worlds.running.running_world import RunningWorld

_log = structlog.get_logger()


class WorldsRunner:
    """Runs due work of main and kept worlds unless they are locked. A frozen service runs nothing by itself."""

    def __init__(self, inner: DueRunner, worlds: Worlds, *, frozen: bool) -> None:
        """Store `inner`, the runner of main; the runner of a world is stopped while the world is locked."""
        self._inner, self._worlds, self._frozen = inner, worlds, frozen
        worlds.main.runner = inner

    async def look(self) -> int:
        """Start due items and return their number; also delete idle forks. Raises Unavailable (main)."""
        await self._worlds.drop_idle()
        if self._frozen:
            return 0
        return sum([await _look_in_kept(held) for held in list(self._worlds.kept.values())]) + await _look(
            self._worlds.main
        )

    async def rest(self, at_most_s: float) -> None:
        """Return when an item of main has ended, or after `at_most_s` seconds. Raises Unavailable."""
        await self._inner.rest(at_most_s)

    async def stop(self) -> None:
        """Stop running items of main; `KeptWorlds` stops those of its worlds. Raises Unavailable."""
        await self._inner.stop()


async def _look(held: RunningWorld) -> int:
    if held.runner is None or held.turn.locked():
        return 0
    async with held.turn:
        return await held.runner.look()


async def _look_in_kept(held: RunningWorld) -> int:
    """Start due items of a kept world; if it is not available, the others go on."""
    try:
        return await _look(held)
    except OpenersError as error:
        _log.warning("due work of a kept world cannot run", world=held.name, reason=type(error).__name__)
        return 0
