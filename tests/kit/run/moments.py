"""The current time in the precision that records use, for comparisons with records."""

from __future__ import annotations

from datetime import UTC, datetime

from openers.domain.clock import Instant, in_utc


def now() -> Instant:
    """Return the current time in UTC, cut to milliseconds.

    A time with microseconds would be later than a record of the same millisecond.
    """
    return in_utc(datetime.now(UTC))
