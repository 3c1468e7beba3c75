"""The exchange log: metadata of each call of a registered endpoint or application, written in batches.

The loop adds a line after a reply is sent; each second `settle` stores the lines. While the store cannot keep up, lines
wait up to a limit, and further ones are dropped and counted. So the log never delays a call and never stops one.
Source: rules part 2, chapter 5.4; ADR 0084.
"""

from __future__ import annotations

from typing import Final

import msgspec
import structlog

from openers.api.exchanges.line import Ended, line_of
from openers.api.http.request import Request
from openers.domain.exchanges.exchange import ExchangeBatch, LogBounds
from openers.settings import Settings
from openers.telemetry.metrics import Metrics
from openers.usecases.world import World

MOST_WAITING: Final = 8 * 2**20
"""Maximum bytes of lines that wait to be stored."""
MOST_IN_A_BATCH: Final = 2**20
"""Bytes of lines after which a batch is full."""
MOST_ATTEMPTS: Final = 30
"""Failed attempts to store the lines of a world, one a second, after which they are dropped."""
USUAL: Final = LogBounds()
_log = structlog.get_logger()


class _Waiting(msgspec.Struct):
    """Lines of one world that are not stored yet."""

    world: World
    lines: list[bytes] = []
    size: int = 0
    attempts: int = 0


class ExchangeLog:
    """Collects the exchanges of all worlds of a process, in bounded memory."""

    def __init__(self, metrics: Metrics, bounds: LogBounds = USUAL, most_waiting: int = MOST_WAITING) -> None:
        """Store at most `bounds` in each world; `most_waiting` bytes wait in this process."""
        self._metrics, self._bounds, self._most = metrics, bounds, most_waiting
        self._waiting: dict[str, _Waiting] = {}
        self._held = 0
        self._in_flight = 0

    def begin(self) -> int:
        """Count a call that begins; return how many there are now."""
        self._in_flight += 1
        return self._in_flight

    def end(self, generation: str, request: Request, world: World, ended: Ended) -> None:
        """Add a call that has ended, if a registered endpoint or application made it. Never raises."""
        self._in_flight -= 1
        if not (world.entry.application or world.entry.asid):
            return
        try:
            line = line_of(generation, request, world, ended)
        except Exception as error:
            self._metrics.exchanges_dropped(1)
            _log.warning("an exchange cannot be logged", reason=type(error).__name__)
            return
        if self._held + len(line) > self._most:
            self._metrics.exchanges_dropped(1)
            return
        waiting = self._waiting.get(world.name)
        if waiting is None:
            waiting = self._waiting[world.name] = _Waiting(world)
        waiting.world = world
        waiting.lines.append(line)
        waiting.size += len(line)
        self._held += len(line)

    async def settle(self) -> None:
        """Store all waiting lines; those of a world whose store fails wait for the next attempt. Never raises."""
        for name in list(self._waiting):
            waiting = self._waiting.pop(name)
            try:
                await self._store(waiting)
            except Exception as error:
                self._failed(name, waiting, error)

    async def _store(self, waiting: _Waiting) -> None:
        """Store lines in batches, and forget those that are stored. Raises Unavailable."""
        store, wall = waiting.world.store, waiting.world.wall
        while waiting.lines:
            count = size = 0
            while count < len(waiting.lines) and size < MOST_IN_A_BATCH:
                size += len(waiting.lines[count])
                count += 1
            batch = ExchangeBatch(b"\n".join(waiting.lines[:count]) + b"\n", count)
            await store.log_exchanges(batch, wall.now(), self._bounds)
            del waiting.lines[:count]
            waiting.size -= size
            self._held -= size

    def _failed(self, name: str, waiting: _Waiting, error: Exception) -> None:
        """Keep lines for the next attempt, before those that came meanwhile; drop them after too many attempts."""
        waiting.attempts += 1
        if waiting.attempts >= MOST_ATTEMPTS:
            self._held -= waiting.size
            self._metrics.exchanges_dropped(len(waiting.lines))
            _log.warning("exchanges are dropped", count=len(waiting.lines), reason=type(error).__name__)
            return
        later = self._waiting.get(name)
        if later is not None:
            waiting.world = later.world
            waiting.lines += later.lines
            waiting.size += later.size
        self._waiting[name] = waiting


def exchange_log_of(settings: Settings, metrics: Metrics) -> ExchangeLog | None:
    """Return the log if it is on. A frozen service has none, since each call ends with its fork."""
    if not settings.exchange_log or settings.frozen:
        return None
    return ExchangeLog(metrics, LogBounds(settings.exchange_log_days, settings.exchange_log_mib * 2**20))
