"""Printed dates and times, in London time. Source: rules chapter 6."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from openers.usecases.paper.printing import clock_time, day, local_day, moment, weekday


@pytest.mark.parametrize(
    ("at", "printed"),
    [
        (datetime(2030, 1, 15, 9, 30, tzinfo=UTC), "9:30am"),
        (datetime(2030, 7, 15, 9, 30, tzinfo=UTC), "10:30am"),
        (datetime(2030, 7, 15, 11, 5, tzinfo=UTC), "12:05pm"),
        (datetime(2030, 1, 15, 12, 5, tzinfo=UTC), "12:05pm"),
        (datetime(2030, 1, 15, 0, 0, tzinfo=UTC), "12:00am"),
        (datetime(2030, 7, 15, 23, 59, tzinfo=UTC), "12:59am"),
        (datetime(2030, 3, 31, 0, 59, tzinfo=UTC), "12:59am"),
        (datetime(2030, 3, 31, 1, 0, tzinfo=UTC), "2:00am"),
    ],
)
def test_a_time_is_that_of_london(at: datetime, printed: str) -> None:
    """Times are right in summer, in winter and in the night of the clock change."""
    assert clock_time(at) == printed


def test_an_evening_in_summer_may_be_the_next_day() -> None:
    late = datetime(2030, 7, 15, 23, 30, tzinfo=UTC)
    assert local_day(late) == date(2030, 7, 16)
    assert moment(late) == "16 July 2030, 00:30"
    assert moment(None) == ""


def test_a_day_is_written_in_full() -> None:
    assert day(date(2030, 12, 4)) == "4 December 2030"
    assert weekday(date(2030, 12, 4)) == "Wednesday 4 December 2030"
