"""Time in the domain: instants have a time zone and are in UTC. They come from a clock that the caller passes in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Protocol

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""An instant before all others, for work that is due whatever the time of its world."""
Instant = datetime
"""A `datetime` in UTC with its time zone, in whole milliseconds where it appears in replies."""


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> Instant:
        """Return the current instant in UTC, truncated to milliseconds."""
        ...


def in_utc(moment: datetime) -> Instant:
    """Return `moment` in UTC, truncated to milliseconds. Raises `ValueError` if it has no time zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
