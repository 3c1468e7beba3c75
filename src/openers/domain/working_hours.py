"""Working hours: those between nine and five in London on working days. Response targets of advice count in them.

Ours alone: the real service has no response targets (ADR 0036).
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
    """The instant at which `hours` working hours have passed since `start`."""
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
    """`hour` on the local day of `day`. Clocks change at night, so working hours are as long as they look."""
    return datetime.combine(day.date(), hour, LONDON)
