"""Working days: Monday to Friday, without England's bank holidays. Source: rules 4 (A004), ADR 0051."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from holidays import country_holidays
from hypothesis import given
from hypothesis import strategies as st

from openers.domain.bank_holidays import BANK_HOLIDAYS
from openers.domain.working_days import add_working_days, is_working_day
from openers.domain.working_hours import LONDON, add_working_hours
from openers_testpas.hospital.bank_holidays import BANK_HOLIDAYS as OF_THE_TEST_PAS

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
        (date(2026, 12, 24), 1, date(2026, 12, 29)),  # Christmas, a weekend, and Boxing Day observed on Monday
        (date(2026, 12, 31), 1, date(2027, 1, 4)),
        (date(2027, 3, 25), 1, date(2027, 3, 30)),  # Good Friday to Easter Monday
        (date(2021, 12, 31), 1, date(2022, 1, 4)),  # New Year's Day observed on the day itself
        (date(2029, 8, 24), 1, date(2029, 8, 28)),  # not announced yet: by rule
    ],
)
def test_days_on_the_calendar(start: date, days: int, end: date) -> None:
    """Weekends and bank holidays are skipped."""
    assert add_working_days(start, days) == end


@pytest.mark.parametrize(
    ("day", "is_working"),
    [
        (date(2026, 8, 31), False),  # the August bank holiday of England, not of Scotland
        (date(2026, 8, 3), True),  # the August bank holiday of Scotland
        (date(2026, 3, 17), True),  # a bank holiday of Northern Ireland
        (date(2020, 5, 8), False),  # moved once, for an anniversary
        (date(2020, 5, 4), True),
        (date(2022, 9, 19), False),  # proclaimed once
        (date(2099, 12, 25), False),
    ],
)
def test_bank_holidays_are_those_of_england(day: date, is_working: bool) -> None:
    """Bank holidays of the neighbouring countries are working days, in any year."""
    assert is_working_day(day) is is_working


def test_working_hours_leave_out_bank_holidays() -> None:
    """Nine hours from four o'clock on Christmas Eve end after the holidays."""
    begins, ends = datetime(2026, 12, 24, 16, tzinfo=LONDON), datetime(2026, 12, 29, 17, tzinfo=LONDON)
    assert add_working_hours(begins.astimezone(UTC), 9) == ends


def test_the_calendars_are_those_of_the_maintained_library() -> None:
    """If this fails after an upgrade, run `.venv/bin/python scripts/make_bank_holidays.py`."""
    years = range(min(BANK_HOLIDAYS).year, max(BANK_HOLIDAYS).year + 1)
    assert (years.start, years.stop) == (2000, 2101)
    assert set(country_holidays("GB", subdiv="ENG", years=years)) == BANK_HOLIDAYS == OF_THE_TEST_PAS


def test_later_years_have_weekends_only() -> None:
    """Years without known bank holidays are accepted."""
    assert is_working_day(date(2102, 12, 25))
    assert not is_working_day(date(2102, 12, 24))


@given(DAYS, st.integers(1, 300))
def test_so_many_working_days_lie_between(start: date, days: int) -> None:
    """The result is the last of the counted working days."""
    end = add_working_days(start, days)
    between = [start + timedelta(days=number) for number in range(1, (end - start).days + 1)]
    working = [day for day in between if day.isoweekday() <= 5 and day not in BANK_HOLIDAYS]
    assert (len(working), working[-1]) == (days, end)
