"""An operator finds out who has seen a patient, without scripts: search, narrow, page by page, CSV."""

from __future__ import annotations

import csv
import io

import pytest

from tests.quickconnect.test_journeys import GP
from tests.quickconnect.test_journeys import PATIENT as GROUPED
from tests.quickconnect.test_registers import OPERATOR, Enter

PATIENT = GROUPED.replace(" ", "")


def test_an_operator_finds_out_who_has_seen_a_patient(walker: Enter) -> None:
    """The GP who looked the patient up is named with organisation and role; the number is in no address."""
    gp = walker(GP)
    gp.go(f"{gp.role}/patients")
    gp.send("Find", number=PATIENT)
    operator = walker(OPERATOR)
    operator.follow("Who has seen a patient")
    operator.send("Find out", number=GROUPED, person=GP)
    assert "Find Patients" in operator.text, operator.text
    assert "Referring clinician" in operator.text
    assert PATIENT not in str(operator.reply.url)
    shown = operator.reply.url
    operator.follow("Download CSV")
    rows = list(csv.DictReader(io.StringIO(operator.reply.text.removeprefix("\ufeff"))))
    assert {each["Person"] for each in rows} == {GP}
    assert rows[0]["Time (UTC)"] >= rows[-1]["Time (UTC)"]
    operator.go(str(shown))
    operator.send("Find out", number=PATIENT, person="", operation="GET /admin/v1/audit")
    assert "Noor Bramhall" in operator.text, "the search itself is found"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"number": "99"}, "Enter an NHS number"),
        ({"number": PATIENT, "from": "soon"}, "Enter a day"),
        ({"number": PATIENT, "from": "2031-01-02", "to": "2031-01-01"}, "not before the first one"),
        ({"number": PATIENT, "person": "Dr"}, "Enter a user id"),
        ({"number": PATIENT, "organisation": "?"}, "Enter an ODS code"),
    ],
)
def test_what_cannot_be_searched_is_said(walker: Enter, asked: dict[str, str], said: str) -> None:
    operator = walker(OPERATOR)
    operator.go(f"{operator.role}/audit")
    operator.send("Find out", **asked)
    assert (operator.reply.status_code, said in operator.text) == (422, True), operator.text


def test_only_an_operator_searches(walker: Enter) -> None:
    definer = walker("555032006100")
    definer.go(f"{definer.role}/audit")
    definer.send("Find out", number=PATIENT)
    assert definer.reply.status_code == 403
