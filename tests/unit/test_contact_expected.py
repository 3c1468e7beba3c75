"""The date by which the provider contacts a patient: working days by priority. Source: rules 4 (A004), 5.1."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from openers.domain.codes import Priority, ReviewReason
from openers.reference import PackagedReference
from openers.usecases.booking.propose_appointment import contact_expected

MONDAY = datetime(2022, 1, 3, 12, tzinfo=UTC)
REFERENCE = PackagedReference()


@pytest.mark.parametrize(
    ("priority", "reason", "day"),
    [
        ("TWO_WEEK_WAIT", "TRIAGE", date(2022, 1, 5)),
        ("TWO_WEEK_WAIT", "NO_SLOTS_AT_SERVICE", date(2022, 1, 10)),
        ("URGENT", "TRIAGE", date(2022, 1, 10)),
        ("URGENT", "SLOT_NOT_AVAILABLE", date(2022, 1, 17)),
        ("ROUTINE", "TRIAGE", date(2022, 2, 28)),
        ("ROUTINE", "BOOKING_ATTEMPT_PROBLEM", date(2022, 2, 28)),
    ],
)
def test_days_by_priority_and_reason(priority: str, reason: str, day: date) -> None:
    """2, 5 and 40 days for triage; 5, 10 and 40 for deferrals."""
    assert contact_expected(MONDAY, Priority(priority), ReviewReason(reason), REFERENCE) == day
