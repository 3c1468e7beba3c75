"""The portal's catalogue and the rows from which the service takes its old addresses give the same history."""

from __future__ import annotations

import pytest

from openers.api.legacy.catalogue import ENDING, Entry, entries
from openers_portal.rules.catalogue import on, operation


@pytest.mark.parametrize("row", entries(), ids=lambda row: f"{row.id} {row.generation}")
def test_an_operation_of_the_service_has_the_same_days_in_the_portal(row: Entry) -> None:
    """Each day on which it changed, except its end: then the operation goes on at a later address."""
    listed = operation(row.id)
    assert listed is not None
    days = [(step.on, step.status.value) for step in listed.steps]
    assert {(each.on, each.status.value) for each in row.history if each.status not in ENDING} <= set(days)
    [shown] = [each for each in on(row.since) if each.id == row.id]
    assert shown.address == f"{row.verb} {row.path}"
