"""Working days: Monday to Friday, whatever is a bank holiday. Source: rules 4 (A004)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.working_days import add_working_days

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 11, 23), 0, date(2026, 11, 23)),  # a Monday
        (date(2026, 11, 23), 1, date(2026, 11, 24)),
        (date(2026, 11, 23), 5, date(2026, 11, 30)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),
        (date(2026, 11, 29), 2, date(2026, 12, 1)),
        (date(2026, 12, 24), 1, date(2026, 12, 25)),
    ],
)
def test_days_on_the_calendar(start: date, days: int, end: date) -> None:
    """Weekends are left out, Christmas is not."""
    assert add_working_days(start, days) == end


@given(DAYS, st.integers(1, 300))
def test_so_many_working_days_lie_between(start: date, days: int) -> None:
    """The last of them is the result."""
    end = add_working_days(start, days)
    between = [start + timedelta(days=number) for number in range(1, (end - start).days + 1)]
    assert sum(day.isoweekday() <= 5 for day in between) == days
    assert end.isoweekday() <= 5
