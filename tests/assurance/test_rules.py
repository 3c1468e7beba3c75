"""Each rule has a trace that keeps its requirement and one that breaks it, and the register is complete."""

from __future__ import annotations

from collections import Counter

import pytest

from openers_assurance import Assessment, Kind, Row, requirements
from openers_assurance.rules.mark import RULES
from tests.assurance.addresses import TABLE, table
from tests.assurance.traces import MORE_BREACHES, READ, SEEN_ONLY, TRACES, Trace, call, change, exchanges


def _rows(trace: Trace) -> dict[str, Row]:
    assessment = Assessment()
    for each in exchanges(trace):
        assessment.add(each)
    return {row.id: row for row in assessment.rows(final=True)}


@pytest.mark.parametrize("id", TRACES)
def test_each_rule_keeps_and_breaks(id: str) -> None:
    """The first trace keeps the requirement and does not break it; the second breaks it, and names a call and why."""
    kept, broken = (_rows(trace)[id] for trace in TRACES[id])
    assert kept.broken == 0, kept.breaches
    assert kept.kept
    assert kept.state in ("met", "statement needed")
    assert broken.state == "not met"
    assert all(each.why for each in broken.breaches)


@pytest.mark.parametrize("name", MORE_BREACHES)
def test_other_breaches_are_seen(name: str) -> None:
    """A requirement can be broken in more than one way."""
    id, trace = MORE_BREACHES[name]
    broken = _rows(trace)[id]
    assert (broken.state, broken.broken) == ("not met", 1)


@pytest.mark.parametrize("id", SEEN_ONLY)
def test_each_other_rule_is_shown(id: str) -> None:
    """The trace shows the requirement, and without it the scenario is named."""
    shown, wanting = _rows(SEEN_ONLY[id])[id], _rows([call("A030")])[id]
    assert (shown.state, shown.broken) == ("statement needed", 0)
    assert wanting.state in ("not seen", "not applicable")


def test_every_rule_has_traces_and_every_automatic_requirement_a_rule() -> None:
    """No rule is untested, and none is missing."""
    assert set(RULES) | {"A003-02"} == set(TRACES) | set(SEEN_ONLY)
    automatic = {each.id for each in requirements().values() if each.kind.is_automatic}
    assert automatic - set(RULES) == set()


def test_the_register_has_the_published_requirements() -> None:
    """There are 54: 26 that calls show, 23 that they show in part, and 5 for documents; rules of ours are marked."""
    published = [each for each in requirements().values() if not each.own]
    counts = Counter(each.kind.is_automatic or each.kind for each in published)
    assert counts == {True: 26, Kind.PART: 23, Kind.DOCUMENT: 5}
    assert all(each.id.startswith("J-") == each.own for each in requirements().values())
    assert all(each.demand and each.versions and (each.scenario or not each.kind.is_automatic) for each in published)


def test_a_statement_completes_and_a_reason_excludes() -> None:
    """A statement makes a shown part met; a document is met by its file; a reason never excludes what calls show."""
    assessment = Assessment()
    for each in exchanges([call("A005", status=403)]):
        assessment.add(each)
    stated = {"A005-03": True, "GR-001": True, "ERR-007": False, "A005-02": False}
    rows = {row.id: row for row in assessment.rows(stated)}
    assert [rows[id].state for id in ("A005-03", "GR-001", "ERR-007", "GR-003", "A001-01", "A005-02")] == [
        "met",
        "met",
        "not applicable",
        "document needed",
        "not applicable",
        "not seen",
    ]


def test_the_menu_decides_what_applies() -> None:
    """With the operations of the product, requirements of others do not apply, and missing calls are named."""
    assessment = Assessment(operations=["A005", "A008"])
    for each in exchanges([READ]):
        assessment.add(each)
    rows = {row.id: row for row in assessment.rows()}
    assert rows["A006-02"].state == "not applicable"
    assert rows["A008-02"].state == "not seen"
    assert "A008" in rows["GR-002"].wanting


def test_only_calls_of_the_product_are_judged() -> None:
    """Calls of other systems change nothing."""
    assessment = Assessment(["200000000001"])
    for each in exchanges([call("A005", status=404, asid="200000000002"), READ]):
        assessment.add(each)
    assert assessment.count == 1
    assert not any(row.broken for row in assessment.rows())


def test_concurrent_calls_are_no_retries() -> None:
    """A call that began before another one was refused does not repeat it."""
    slow = {**READ, "after": 0.01, "durationMs": 500.0}
    rows = _rows([{**slow, "status": 429}, slow, {**slow, "status": 500}, {**slow, "status": 500}])
    assert not rows["J-06"].broken
    assert not rows["ERR-010"].broken


def test_a_change_without_a_read_is_judged_only_if_no_worklist_gave_the_version() -> None:
    """Worklists give versions that the log does not have."""
    assert _rows([change("A034", ifMatch='W/"1"')])["J-02"].broken
    assert not _rows([call("A008"), change("A034", ifMatch='W/"1"')])["J-02"].broken


def test_only_a_smartcard_shows_a_log_in_with_one() -> None:
    """Other ways to log in show nothing."""
    assert _rows([READ])["AUT-001"].state == "met"
    assert _rows([{**READ, "logIn": "TOTP"}])["AUT-001"].state == "not seen"


@pytest.mark.parametrize(
    ("status", "code", "is_version", "is_business_rule"),
    [
        (409, "", True, False),
        (409, "VERSION_CONFLICT", True, False),
        (409, "REFERRAL_LOCKED", False, False),
        (412, "MISSING_HEADER", True, False),
        (412, "REC_PRECONDITION_FAILED", True, False),
        (412, "PRECONDITION_FAILED", True, False),
        (412, "TOO_MANY_HITS", False, True),
        (412, "", False, True),
    ],
)
def test_outdated_versions_and_business_rules_are_told_apart(
    status: int, code: str, is_version: bool, is_business_rule: bool
) -> None:
    """Both have status 412; the code of the refusal tells which it is."""
    refused = change("A034", status=status, outcomeCode=code)
    rows = _rows([refused, change("A034")])
    assert (rows["ERR-005"].broken > 0, rows["ERR-007"].kept > 0) == (is_version, is_business_rule)


def test_a_call_to_an_unknown_address_is_no_operation() -> None:
    """It neither counts as called nor as wanting."""
    assert _rows([READ, call("", status=404)])["GR-002"].wanting == _rows([READ])["GR-002"].wanting


def test_the_table_of_addresses_is_up_to_date() -> None:
    """Each operation of the service is recognised in HAR files: `python -m tests.assurance.addresses`."""
    assert TABLE.read_text() == table()
