"""Working days: Monday to Friday. Bank holidays count as working days, as no source says otherwise (rules 4, A004)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

_SATURDAY: Final = 5


def is_working_day(day: date) -> bool:
    """Whether `day` is one."""
    return day.weekday() < _SATURDAY


def add_working_days(start: date, days: int) -> date:
    """The day that is `days` working days after `start`."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return day
