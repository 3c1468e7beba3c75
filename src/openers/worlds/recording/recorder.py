"""Create and store exchanges in a separate thread, so that no call waits for masking and validation.

The probe passes a call before the last byte of its reply is sent. A reader of exchanges waits here until the call is
stored. At most as many calls wait as are stored, since an older one would be dropped anyway.
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
"""Maximum bytes of bodies that wait to be masked. Beyond that, only the size of a body is recorded."""
PATIENCE_S: Final = 10.0
"""How many seconds a reader waits for exchanges that are not stored yet."""
_log = structlog.get_logger()


class Recorder:
    """Records calls one after another."""

    def __init__(self, exchanges: Exchanges, make: Callable[[Watched], Exchange]) -> None:
        """Store `make`, which creates the exchange of a call in the thread."""
        self._exchanges, self._make = exchanges, make
        self._thread = ThreadPoolExecutor(1, "inspector")
        self._waiting: deque[tuple[Future[None], int]] = deque()
        self._held = 0

    def take(self, watched: Watched) -> None:
        """Queue a call for recording and return at once."""
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
        """Return the exchanges after all previous calls are stored, or after `patience_s` seconds."""
        if self._waiting:
            newest = self._waiting[-1][0]
            await asyncio.wait([asyncio.wrap_future(newest)], timeout=patience_s)
        return self._exchanges

    def _record(self, number: int, watched: Watched) -> None:
        try:
            self._exchanges.keep(msgspec.structs.replace(self._make(watched), number=number))
        except Exception as error:
            _log.error("a call could not be recorded", number=number, error=type(error).__name__)
