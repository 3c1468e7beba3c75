"""The exchange log: metadata of each call of a registered endpoint or application, written in batches.

The loop adds the line of a call after its reply is sent, so that neither headers nor bodies wait with it; each second
`settle` stores the lines. While the store cannot keep up, lines wait up to a limit, and further ones are dropped and
counted. So the log never delays a call and never stops one.
Source: rules part 2, chapter 5.4; ADR 0084.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import structlog

from openers.api.exchanges.line import Ended, line_of
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.settings import Settings
from openers.telemetry.metrics import Metrics
from openers.usecases.world import World

MOST_WAITING: Final = 20_000
"""Lines that wait to be stored."""
MOST_IN_A_BATCH: Final = 2_000
MOST_ATTEMPTS: Final = 30
"""Failed attempts to store the lines of a world, one a second, after which they are dropped."""
USUAL: Final = LogBounds()
_log = structlog.get_logger()


class _Waiting(msgspec.Struct):
    """The lines of one world that are not stored yet."""

    world: World
    lines: list[bytes] = []
    attempts: int = 0


class ExchangeLog:
    """Collects the exchanges of all worlds of a process, in bounded memory."""

    def __init__(self, metrics: Metrics, bounds: LogBounds = USUAL, most_waiting: int = MOST_WAITING) -> None:
        """Store at most `bounds` in each world; `most_waiting` lines wait in this process."""
        self._metrics, self._bounds, self._most = metrics, bounds, most_waiting
        self._waiting: dict[str, _Waiting] = {}
        self._held = 0
        self._in_flight = 0
        self._turn = asyncio.Lock()

    def begin(self) -> int:
        """Count a call that begins; return how many there are now."""
        self._in_flight += 1
        return self._in_flight

    def end(self, world: World, call: Ended) -> None:
        """Add the line of a call that has ended, if a registered endpoint or application made it. Never raises."""
        self._in_flight -= 1
        entry = call.world.entry
        if not (entry.application or entry.asid):
            return
        if self._held >= self._most:
            self._metrics.exchanges_dropped(1)
            return
        try:
            line = line_of(call)
        except Exception as error:
            self._metrics.exchanges_dropped(1)
            _log.warning("an exchange cannot be logged", reason=type(error).__name__)
            return
        waiting = self._waiting.get(world.name)
        if waiting is None:
            waiting = self._waiting[world.name] = _Waiting(world)
        waiting.world = world  # a world that was reset has another store
        waiting.lines.append(line)
        self._held += 1

    async def settle(self, *, may_drop: bool = False) -> None:
        """Store all waiting lines; those of a world whose store fails wait for the next attempt. Never raises.

        With `may_drop`, a failed attempt counts; lines are dropped after too many. If the caller is cancelled, the
        attempt goes on, so that no line is lost or stored twice; the next one waits for it.
        """
        await asyncio.shield(self._settle(may_drop=may_drop))

    async def _settle(self, *, may_drop: bool) -> None:
        async with self._turn:
            for waiting in list(self._waiting.values()):
                try:
                    await self._store(waiting)
                except Exception as error:
                    if may_drop:
                        self._failed(waiting, error)
                if not waiting.lines:
                    del self._waiting[waiting.world.name]

    async def _store(self, waiting: _Waiting) -> None:
        """Store the lines that wait now in batches, and forget those that are stored. Raises Unavailable."""
        left = len(waiting.lines)
        while left:
            world, lines = waiting.world, waiting.lines[: min(left, MOST_IN_A_BATCH)]
            batch = ExchangeBatch(b"\n".join(lines), len(lines))
            await world.store.log_exchanges(batch, world.wall.now(), self._bounds)
            del waiting.lines[: len(lines)]
            self._held -= len(lines)
            left -= len(lines)
        waiting.attempts = 0

    def _failed(self, waiting: _Waiting, error: Exception) -> None:
        """Count a failed attempt; drop the lines after too many."""
        waiting.attempts += 1
        if waiting.attempts >= MOST_ATTEMPTS:
            count = len(waiting.lines)
            waiting.lines.clear()
            self._held -= count
            self._metrics.exchanges_dropped(count)
            _log.warning("exchanges are dropped", count=count, reason=type(error).__name__)


def exchange_log_of(settings: Settings, metrics: Metrics) -> ExchangeLog | None:
    """Return the log if it is on. A frozen service keeps no log, since each call ends with its fork."""
    if not settings.exchange_log or settings.frozen:
        return None
    return ExchangeLog(metrics, LogBounds(settings.exchange_log_days, settings.exchange_log_mib * 2**20))
