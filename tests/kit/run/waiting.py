"""Wait in tests until a condition holds, or until the wait certainly hangs.

A slow machine must not change the result of a test. To test the end of a timeout, move a clock or set an event. A short
timeout is right only if nothing can arrive in time, for example from a peer that never replies.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from time import monotonic, sleep
from typing import Final

HANGS_AFTER_S: Final = 300.0
"""After this time a wait certainly hangs."""
LOOK_EVERY_S: Final = 0.02


def until(holds: Callable[[], bool], what: Callable[[], str] | str, pause: Callable[[float], object] = sleep) -> None:
    """Return as soon as `holds()` is true. `pause` passes the seconds between two checks.

    Raise AssertionError with the text `what` if it takes too long.
    """
    ends = monotonic() + HANGS_AFTER_S
    while not holds():
        assert monotonic() < ends, what if isinstance(what, str) else what()
        pause(LOOK_EVERY_S)


async def until_it(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return as soon as `await holds()` is true. Raise AssertionError with the text `what` if it takes too long."""
    ends = monotonic() + HANGS_AFTER_S
    while not await holds():
        assert monotonic() < ends, what
        await asyncio.sleep(LOOK_EVERY_S)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stops during work and skips to the end of each wait. For one thread."""

    def __init__(self) -> None:
        """Start the clock at 0 s."""
        self._skipped = _SkippingSelector()
        super().__init__(self._skipped)

    def time(self) -> float:
        """Return the total of the skipped seconds."""
        return self._skipped.seconds


class _SkippingSelector(selectors.DefaultSelector):
    """Add up the seconds of each skipped wait."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.seconds += max(timeout or 0.0, 0.0)
        return super().select(0 if timeout is not None else None)
