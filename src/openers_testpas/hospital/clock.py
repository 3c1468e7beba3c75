"""The hospital's clock, which a test may set, and the real time, which it may not.

Slots, stamps and the diary use `Clock`. Signed tokens, timeouts and retries use `wall`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

Wall = Callable[[], datetime]
"""Returns the real time, aware and in UTC."""


def wall() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


def as_number(instant: datetime) -> int:
    """Return an aware instant as whole microseconds since 1970, as the store keeps it."""
    return (instant - EPOCH) // MICROSECOND


def as_instant(number: int) -> datetime:
    """Return the instant, in UTC, of a number in the store."""
    return EPOCH + number * MICROSECOND


class Clock:
    """A clock that runs with an offset to the real time."""

    def __init__(self, wall: Wall = wall, offset: timedelta = timedelta()) -> None:
        """Store `offset`, which is added to the real time."""
        self._wall = wall
        self.offset = offset

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        return self._wall() + self.offset

    def today(self) -> date:
        """Return today's date in London."""
        return self.now().astimezone(LONDON).date()

    def set(self, now: datetime | None) -> None:
        """Set the time to `now`, from which the clock runs on; `None` is the real time."""
        self.offset = timedelta() if now is None else now - self._wall()
