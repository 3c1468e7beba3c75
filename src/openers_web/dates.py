"""Dates and times in words, in the time of the United Kingdom, on both days on which the clocks change too."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

UK: Final = ZoneInfo("Europe/London")
YEAR_DIGITS: Final = 4


def day_of(year: str, month: str, day: str) -> date:
    """Return the date that was typed in three fields. Raises ValueError for anything that is none."""
    parts = (year, month, day)
    if not all(each.isascii() and each.isdigit() and len(each) <= YEAR_DIGITS for each in parts):
        raise ValueError("a date needs three numbers")
    return date(*map(int, parts))


def day_in_words(day: date) -> str:
    """Return a date as `1 August 2026`."""
    return f"{day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """Return a date as `1 Aug 2026`, for tables."""
    return f"{day.day} {day:%b %Y}"


def moment_in_words(moment: datetime) -> str:
    """Return an instant as `1 August 2026, 09:00`. In the hour that is there twice in October, the zone is named.

    Raises ValueError for a datetime without a zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a datetime needs a zone")
    local = moment.astimezone(UK)
    is_twice = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return f"{day_in_words(local)}, {local:%H:%M}{f' {local:%Z}' if is_twice else ''}"
