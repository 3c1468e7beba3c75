"""Make and keep the exchanges of calls, in a thread of its own, so that no call waits for masking and judging.

The probe hands over a call before the last byte of its reply leaves. Whoever has the reply and asks for its exchange
waits here until it is kept. No more calls wait than are kept: an older one would be dropped from the shelf anyway.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import msgspec
import structlog

from openers.worlds.recording.exchange import Exchange, Exchanges
from openers.worlds.recording.watched import Watched

MOST_HELD: Final = 64 * 1024 * 1024
"""How much of bodies may wait to be masked, in bytes. Beyond that, a body is told by its size."""
PATIENCE_S: Final = 10.0
"""How long a reader waits for exchanges that are not kept yet, in seconds."""
_log = structlog.get_logger()


class Recorder:
    """Records one call after the other."""

    def __init__(self, exchanges: Exchanges, make: Callable[[Watched], Exchange]) -> None:
        """`make` makes an exchange of a call, in the thread."""
        self._exchanges, self._make = exchanges, make
        self._thread = ThreadPoolExecutor(1, "inspector")
        self._waiting: deque[tuple[Future[None], int]] = deque()
        self._held = 0

    def take(self, watched: Watched) -> None:
        """Record a call some time soon. Returns at once."""
        while self._waiting and (self._waiting[0][0].done() or len(self._waiting) >= self._exchanges.most):
            oldest, size = self._waiting.popleft()
            oldest.cancel()
            self._held -= size
        if self._held + watched.held > MOST_HELD:
            watched.forget_bodies()
        number = self._exchanges.next_number()
        self._waiting.append((self._thread.submit(self._record, number, watched), watched.held))
        self._held += watched.held

    async def kept(self, patience_s: float = PATIENCE_S) -> Exchanges:
        """Return the exchanges, as soon as all calls so far are among them, or after so many seconds."""
        if self._waiting:
            newest = self._waiting[-1][0]
            await asyncio.wait([asyncio.wrap_future(newest)], timeout=patience_s)
        return self._exchanges

    def _record(self, number: int, watched: Watched) -> None:
        try:
            self._exchanges.keep(msgspec.structs.replace(self._make(watched), number=number))
        except Exception as error:
            _log.error("a call could not be recorded", number=number, error=type(error).__name__)
