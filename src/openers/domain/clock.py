"""Time as the domain sees it: instants are aware and in UTC, and come from a clock that is handed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

Instant = datetime
"""An aware `datetime` in UTC, in whole milliseconds where it reaches the wire."""


class Clock(Protocol):
    """Something that knows what time it is."""

    def now(self) -> Instant:
        """The present instant, aware, in UTC, cut to milliseconds."""
        ...


def in_utc(moment: datetime) -> Instant:
    """`moment` in UTC, cut to milliseconds. Raises `ValueError` if it has no offset."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
