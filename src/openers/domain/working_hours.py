"""Working hours: 9 am to 5 pm in London on working days. Response targets of advice are measured in them.

This is our extension: the real service has no response targets (ADR 0036).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from openers.domain.clock import Instant
from openers.domain.working_days import is_working_day

LONDON: Final = ZoneInfo("Europe/London")
OPENS: Final = time(9)
CLOSES: Final = time(17)
_NO_TIME: Final = timedelta()


def add_working_hours(start: Instant, hours: int) -> Instant:
    """Return the instant at which `hours` working hours have passed since `start`."""
    local, left = start.astimezone(LONDON), timedelta(hours=hours)
    while True:
        opens, closes = _at(local, OPENS), _at(local, CLOSES)
        begins = max(local, opens)
        today = max(closes - begins, _NO_TIME) if is_working_day(local.date()) else _NO_TIME
        if today and left <= today:
            return (begins + left).astimezone(UTC)
        left -= today
        local = _at(local + timedelta(days=1), OPENS)


def _at(day: datetime, hour: time) -> datetime:
    """Return `hour` on the local day of `day`. Clocks change at night, so a working day always has the same length."""
    return datetime.combine(day.date(), hour, LONDON)
