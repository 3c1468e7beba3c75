"""When a neighbour may be asked: at a limited rate, and not for a while after repeated failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

MOST_FAILURES: Final = 5
"""Failures in a row after which a neighbour is not asked for `PAUSE_S` seconds."""
PAUSE_S: Final = 10.0
LONGEST_PAUSE_S: Final = 60.0
"""Maximum pause that a neighbour can ask for, in seconds."""


class Breaker:
    """A circuit breaker: after failures in a row it opens, then lets one request through to try.

    A pause that the neighbour asks for is kept, whatever else happens.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Begin closed; `monotonic` returns seconds."""
        self._monotonic, self._failures = monotonic, 0
        self._closed_from = self._asked_until = 0.0

    def is_open(self) -> bool:
        """Return whether no request may be sent now."""
        return self._monotonic() < self._closed_from

    def admits(self) -> bool:
        """Return whether a request may be sent. While the breaker is open, one in each pause may."""
        now = self._monotonic()
        if now < self._closed_from:
            return False
        if self._failures >= MOST_FAILURES:
            self._closed_from = now + PAUSE_S  # the others wait for what this one finds
        return True

    def succeeded(self) -> None:
        """Record a usable reply, which closes the breaker."""
        self._failures = 0
        self.proceeds()

    def proceeds(self) -> None:
        """Let the request that may try be followed by another one: its reply did not show whether all is well."""
        self._closed_from = self._asked_until

    def failed(self, pause_s: float = 0.0) -> None:
        """Record a failure; `pause_s` is the pause that the neighbour asks for."""
        self._failures += 1
        now = self._monotonic()
        self._asked_until = max(self._asked_until, now + min(pause_s, LONGEST_PAUSE_S))
        own = now + PAUSE_S if self._failures >= MOST_FAILURES else now
        self._closed_from = max(self._closed_from, self._asked_until, own)


class Pace:
    """Spreads requests evenly, so that no second has more than `per_second`."""

    def __init__(self, per_second: float, monotonic: Callable[[], float]) -> None:
        """Begin with a free place; `monotonic` returns seconds."""
        self._every, self._monotonic, self._next = 1 / per_second, monotonic, 0.0

    def take(self, within_s: float) -> float | None:
        """Return the seconds to wait for the next place, which is then taken; `None` if it is not `within_s`."""
        now = self._monotonic()
        wait = max(0.0, self._next - now)
        if wait > within_s:
            return None
        self._next = now + wait + self._every
        return wait
