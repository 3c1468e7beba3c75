"""Free slots, compared with replies typed by hand, including links."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.wire_appointments import QUERY, slot
from tests.unit.wire_values import AT, BASE, golden, in_order

from openers.domain.identifiers import UserId
from openers.usecases.ports.slot_page import SlotPage, SlotQuery
from openers.wire.stu3.booking.slots import write_slots

ID = UUID("00000000-0000-4000-8000-000000000001")
CLINICIAN = UserId("555000000009")


def written(page: SlotPage) -> dict[str, Any]:
    """Return the Bundle of a page."""
    return json.loads(write_slots(page, BASE, ID, AT))


def query(page: int, count: int = 2, clinician: UserId | None = None) -> SlotQuery:
    """Return the query for one page."""
    return msgspec.structs.replace(QUERY, page=page, count=count, clinician=clinician)


def test_a_page_in_the_middle_with_two_schedules() -> None:
    page = SlotPage(query(2), [slot(9001, CLINICIAN), slot(9002)], 5)
    assert in_order(write_slots(page, BASE, ID, AT)) == in_order(golden("a015/page_of_two_schedules.json"))


def test_no_slots_with_a_clinician() -> None:
    page = SlotPage(query(1, clinician=CLINICIAN), [], 0)
    assert in_order(write_slots(page, BASE, ID, AT)) == in_order(golden("a015/no_slots.json"))


@pytest.mark.parametrize(
    ("page", "count", "total", "relations"),
    [
        (1, 5, 0, ["self"]),
        (1, 5, 5, ["self"]),
        (1, 5, 6, ["self", "next"]),
        (2, 5, 6, ["self", "previous"]),
        (2, 5, 10, ["self", "previous"]),
        (2, 5, 11, ["self", "previous", "next"]),
        (1, 1, 2, ["self", "next"]),
        (100, 100, 10_000, ["self", "previous"]),
    ],
)
def test_links_lead_to_the_pages_that_there_are(page: int, count: int, total: int, relations: list[str]) -> None:
    links = written(SlotPage(query(page, count), [], total))["link"]
    assert [each["relation"] for each in links] == relations
    numbers = {"self": page, "previous": page - 1, "next": page + 1}
    assert [each["url"].rpartition("&page=")[2] for each in links] == [str(numbers[each]) for each in relations]


def test_each_schedule_stands_once_after_the_slots_in_the_order_of_the_slots() -> None:
    slots = [slot(1, CLINICIAN), slot(2), slot(3, CLINICIAN), slot(4, UserId("555000000001")), slot(5)]
    entries = written(SlotPage(query(1, 20), slots, 5))["entry"]
    assert [each["search"]["mode"] for each in entries] == ["match"] * 5 + ["include"] * 3
    schedules = [each["resource"]["id"] for each in entries[5:]]
    assert schedules == ["501-555000000009", "501", "501-555000000001"]
    referred = {each["resource"]["schedule"]["reference"] for each in entries[:5]}
    assert referred == {f"Schedule/{each}" for each in schedules}


@given(st.text(min_size=1))
def test_any_reference_that_a_pas_gives_is_shown_as_it_is(usrn: str) -> None:
    [entry, _] = written(SlotPage(query(1), [slot(1, usrn=usrn)], 1))["entry"]
    assert entry["resource"]["identifier"][0]["value"] == usrn
