"""The error codes listed for advice and guidance in the specification are those that `tests/advice` provokes."""

from __future__ import annotations

import re

import pytest
from tests.kit.calls.advice_cases import BOTH_ANSWERS, CASES, LISTS
from tests.kit.calls.expectations import SEARCH_CODES
from tests.kit.documents.reference import Json, specification

READING = "PATIENT_ERROR INVALID_REQUEST_TYPE NO_RELATIONSHIP"
"""Codes provoked by the reading tests in `tests/advice/test_codes.py`."""
REACHED = {
    "a023": {code for number, code, _ in CASES if number == "A023"},
    "a024": set(READING.split()),
    "a025": set(READING.split()),
    "a026": {code for number, code, _ in CASES if number == "A026"},
    "a027": {code for number, code, _ in CASES if number == "A027"},
    "a043": set(READING.split()),
    "a044": {code for number, code, _ in CASES if number == "A044"} | set(SEARCH_CODES.split()),
}
UNLISTED = {"a026": {"INVALID_REQUEST_TYPE"}, "a027": {"INVALID_REQUEST_TYPE"}}
"""The code for a referral's UBRN, as on every other operation; the specification lists no code for this case."""


def listed(number: str) -> set[str]:
    """Return the codes listed for an operation's 422 and, if it has a list, its 400."""
    found = set[str]()
    for methods in specification()["paths"].values():
        for operation in (methods[each] for each in ("get", "post") if each in methods):
            if operation["operationId"].startswith(f"{number}-"):
                for status in ("400", "422"):
                    found |= set(re.findall(r"(?m)^\| ([A-Z_]+) +\|", _text(operation["responses"].get(status, {}))))
    return found


def _text(response: Json) -> str:
    name = response.get("$ref", "").rpartition("/")[2]
    described: Json = specification()["components"]["responses"][name] if name else response
    return str(described.get("description", ""))


@pytest.mark.parametrize("number", REACHED)
def test_every_listed_code_is_reached(number: str) -> None:
    assert REACHED[number] - UNLISTED.get(number, set()) == listed(number)
    assert set(BOTH_ANSWERS.split()) == listed("a026") == listed("a027")
    assert set(LISTS.split()) == listed("a023")
