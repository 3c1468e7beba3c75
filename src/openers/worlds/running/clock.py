"""The clock of a test world: it runs beside the real time or is stopped, and tests can set it.

Tokens, timeouts and limits use the wall clock, which cannot be set.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from openers.domain.clock import Clock, Instant, in_utc


class ClockState(msgspec.Struct, frozen=True):
    """The state of a clock: stopped at an instant, or ahead of the real time by some seconds (negative: behind)."""

    ahead_s: float = 0.0
    stands_at: Instant | None = None


class WorldClock:
    """The `Clock` port of a test world."""

    def __init__(self, wall: Clock, state: ClockState | None = None) -> None:
        """Start in `state`; `wall` is the real time."""
        self._wall = wall
        self.state = state or ClockState()

    @property
    def is_running(self) -> bool:
        """Return whether the clock runs."""
        return self.state.stands_at is None

    def now(self) -> Instant:
        """Return the present instant of the world, in UTC, cut to milliseconds."""
        if self.state.stands_at is not None:
            return self.state.stands_at
        return in_utc(self._wall.now() + timedelta(seconds=self.state.ahead_s))

    def set(self, now: Instant) -> None:
        """Set the clock to `now`; it stays running or stopped."""
        shown = in_utc(now)
        ahead_s = (shown - self._wall.now()).total_seconds()
        self.state = ClockState(ahead_s) if self.is_running else ClockState(stands_at=shown)

    def freeze(self) -> None:
        """Stop the clock at the present instant."""
        self.state = ClockState(stands_at=self.now())

    def to_real_time(self) -> None:
        """Run with the real time."""
        self.state = ClockState()

    def resume(self) -> None:
        """Start the clock from the present instant."""
        now = self.now()
        self.state = ClockState()
        self.set(now)
