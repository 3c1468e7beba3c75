"""Working days: Monday to Friday, except bank holidays in England.

Sources: rules 4 (A004: the days of PRIORITY are working days), ADR 0051 (excluding bank holidays is our reading).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from openers.domain.bank_holidays import BANK_HOLIDAYS

_SATURDAY: Final = 5


def is_working_day(day: date) -> bool:
    """Return whether `day` is neither at a weekend nor a bank holiday."""
    return day.weekday() < _SATURDAY and day not in BANK_HOLIDAYS


def add_working_days(start: date, days: int) -> date:
    """Return the day that is `days` working days after `start`; `start` itself if `days` is 0."""
    day = start
    while days > 0:
        day += timedelta(days=1)
        days -= is_working_day(day)
    return day
