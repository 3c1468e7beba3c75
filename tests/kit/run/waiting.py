"""How long tests wait for what has to come: until it is there, or until it certainly hangs.

No pause of a loaded machine may decide a test. Where the end of a wait is what a test is about, the test moves a clock
or sets an event; a short time-out is right only where nothing can come in time, as from somebody who never replies.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from time import monotonic, sleep
from typing import Final

HANGS_AFTER_S: Final = 300.0
"""What takes longer never ends."""
LOOK_EVERY_S: Final = 0.02


def until(holds: Callable[[], bool], what: Callable[[], str] | str, pause: Callable[[float], object] = sleep) -> None:
    """Return as soon as `holds()` is true. `pause` passes the seconds between two looks.

    Raises AssertionError, which says `what` is missing.
    """
    ends = monotonic() + HANGS_AFTER_S
    while not holds():
        assert monotonic() < ends, what if isinstance(what, str) else what()
        pause(LOOK_EVERY_S)


async def until_it(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Return as soon as `await holds()` is true. Raises AssertionError, which says `what` is missing."""
    ends = monotonic() + HANGS_AFTER_S
    while not await holds():
        assert monotonic() < ends, what
        await asyncio.sleep(LOOK_EVERY_S)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands while anything is done, and skips to the end of each wait. For one thread."""

    def __init__(self) -> None:
        """Begin at 0 s."""
        self._skipped = _SkippingSelector()
        super().__init__(self._skipped)

    def time(self) -> float:
        """Return the seconds that were skipped so far."""
        return self._skipped.seconds


class _SkippingSelector(selectors.DefaultSelector):
    """Adds up the seconds for which it should have waited."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.seconds += max(timeout or 0.0, 0.0)
        return super().select(0 if timeout is not None else None)
