"""The hazard log to begin with: each hazard leads to requirements and tests that exist, and the risk follows."""

from __future__ import annotations

from itertools import pairwise, product

from openers_assurance import requirements
from openers_assurance.hazards import LIKELIHOODS, NEEDED_AT, QUESTIONS, SEVERITIES, STATUSES, hazards, risk, risks
from openers_assurance.questions import LONGEST, LONGEST_LINE, Question, problems
from tests.kit.run.project import ROOT


def test_each_hazard_leads_to_requirements_and_tests() -> None:
    """There are seventeen; each has requirements of the register and test files of the project."""
    assert list(hazards()) == [f"H{number:02}" for number in range(1, 18)]
    for each in hazards().values():
        assert each.requirements, each.id
        assert each.tests, each.id
        assert set(each.requirements) <= set(requirements()), each.id
        assert [test for test in each.tests if not (ROOT / test).is_file()] == [], each.id


def test_the_risk_grows_with_likelihood_and_severity() -> None:
    """No step up lowers the risk; the corners are the lowest and the highest; without both answers there is none."""
    for likelihood in LIKELIHOODS:
        row = [risk(likelihood, severity) or 0 for severity in SEVERITIES]
        assert all(low <= high for low, high in pairwise(row)), likelihood
    for severity in SEVERITIES:
        column = [risk(likelihood, severity) or 0 for likelihood in LIKELIHOODS]
        assert all(low <= high for low, high in pairwise(column)), severity
    known = {risk(*each) for each in product(LIKELIHOODS, SEVERITIES)}
    assert known == {1, 2, 3, 4, 5}
    assert (risk("Very low", "Minor"), risk("Very high", "Catastrophic"), risk("Low", "")) == (1, 5, None)
    given = {"likelihood": "High", "severity": "Major", "residual_likelihood": "Low", "residual_severity": "Minor"}
    assert risks(given) == (4, 1)


def test_an_answer_is_taken_or_refused_with_the_reason() -> None:
    asked = (
        Question("free", "Free"),
        Question("line", "Line", is_short=True),
        Question("one", "One", choices=("a", "b"), needed=True),
    )
    for answers, refused in (
        ({"one": "a"}, []),
        ({"one": "c"}, ["one"]),
        ({"one": ""}, ["one"]),
        ({"one": "b", "free": "x" * LONGEST, "line": "x" * LONGEST_LINE}, []),
        ({"one": "b", "free": "x" * (LONGEST + 1), "line": "x" * (LONGEST_LINE + 1)}, ["free", "line"]),
    ):
        assert [id for id, _ in problems(asked, answers)] == refused, answers
    assert dict(problems(asked, {"one": "a"}, ("free",))) == {"free": "Answer: Free"}


def test_a_status_needs_questions_that_exist() -> None:
    assert set(NEEDED_AT) < set(STATUSES)
    assert {each for those in NEEDED_AT.values() for each in those} <= {each.id for each in QUESTIONS}
