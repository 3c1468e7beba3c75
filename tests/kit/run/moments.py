"""The present instant as everything keeps it, for comparisons with what is kept."""

from __future__ import annotations

from datetime import UTC, datetime

from openers.domain.clock import Instant, in_utc


def now() -> Instant:
    """Return the present instant in UTC, cut to milliseconds.

    One with microseconds is later than what is kept within the same millisecond.
    """
    return in_utc(datetime.now(UTC))
