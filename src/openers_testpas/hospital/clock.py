"""The hospital's idea of now, which a test may set, and the real time, which it may not.

Slots, stamps and the diary go by `Clock`. Signed tokens, time-outs and retries go by `wall`.
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
"""Tells the real time, aware and in UTC."""


def wall() -> datetime:
    """The real time."""
    return datetime.now(UTC)


def as_number(instant: datetime) -> int:
    """An aware instant as whole microseconds since 1970, as the store keeps it."""
    return (instant - EPOCH) // MICROSECOND


def as_instant(number: int) -> datetime:
    """The instant, in UTC, behind a number of the store."""
    return EPOCH + number * MICROSECOND


class Clock:
    """Runs as the real time does, with an offset."""

    def __init__(self, wall: Wall = wall, offset: timedelta = timedelta()) -> None:
        """`offset` is what has to be added to the real time."""
        self._wall = wall
        self.offset = offset

    def now(self) -> datetime:
        """Now, in UTC."""
        return self._wall() + self.offset

    def today(self) -> date:
        """Today's date in London."""
        return self.now().astimezone(LONDON).date()

    def set(self, now: datetime | None) -> None:
        """Let `now` be the time from which it runs on; `None` is the real time."""
        self.offset = timedelta() if now is None else now - self._wall()
