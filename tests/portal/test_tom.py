"""The forms of the Target Operating Model: answers by environment, level of safety, and the outcome by staff."""

from __future__ import annotations

import pytest

from openers_assurance.tom import OUTCOMES, safety_level, tabs
from tests.portal.conftest import GP, OPERATOR, Enter
from tests.portal.test_assurance import product_of

SAFETY = dict.fromkeys(("device", "spine", "systems", "office", "transactions", "monitors"), "No")
TOPOLOGY = {"reason": "One trust", "endpoints": "1", "existing": "New", "persistent": "No"}


@pytest.mark.parametrize(
    ("yes", "level"),
    [
        ((), 1),
        (("office",), 2),
        (("monitors", "office"), 3),
        (("systems",), 3),
        (("transactions",), 3),
        (("spine", "systems"), 4),
        (("device", "spine"), 5),
    ],
)
def test_the_level_of_safety_follows_the_table(yes: tuple[str, ...], level: int) -> None:
    assert set(SAFETY) <= {each.id for each in tabs()["safety"].questions}
    assert safety_level({**SAFETY, **dict.fromkeys(yes, "Yes")}) == level


def test_questions_of_a_form_have_different_ids() -> None:
    for each in tabs().values():
        assert len({question.id for question in each.questions}) == len(each.questions), each.id


def test_a_partner_fills_in_the_forms_and_staff_stores_the_outcome(enter: Enter) -> None:
    """Answers belong to one environment, are refused as a whole, and no partner stores an outcome."""
    walker, operator = enter(GP), enter(OPERATOR)
    product = product_of(walker, "X32A", "Spout")
    walker.follow("Forms of the Target Operating Model")
    assert "no approval by NHS England" in walker.text
    assert walker.text.count("No answers yet") >= len(tabs())
    walker.go(f"{product}/tom/INT1/topology")
    walker.send("Store the answers", **TOPOLOGY)
    assert "Answer: Topology" in walker.text
    walker.send("Store the answers", **TOPOLOGY, topology="A: one supplier and one organisation")
    assert "Topology: the answers are stored." in walker.text
    walker.go(f"{product}/tom/INT1/safety")
    walker.send("Store the answers", **{**SAFETY, "transactions": "Yes"})
    walker.go(f"{product}/tom/INT1/safety")
    assert "Level of clinical safety: 3 of 5." in walker.text
    for environment, answered in (("INT1", 2), ("DEV1", 0)):
        walker.go(f"/api/v1{product}/tom?environment={environment}")
        assert sum(each["answers"] is not None for each in walker.reply.json()["tabs"]) == answered
    walker.go(f"{product}/tom?environment=INT1")
    assert "Store the outcome" not in walker.buttons
    walker.post(f"{product}/tom/INT1/outcome")
    assert walker.reply.status_code == 403
    operator.go(f"{product}/tom?environment=INT1")
    operator.send("Store the outcome", outcome=OUTCOMES[2])
    assert "Answer: Reason, conditions and dates" in operator.text
    operator.send("Store the outcome", outcome=OUTCOMES[2], reason="Until 31 March")
    assert "The outcome is stored." in operator.text
    operator.go(f"{product}/tom/INT1/topology")
    assert "One trust" in operator.text
    assert "Store the answers" not in operator.buttons
    walker.go(f"{product}/tom?environment=INT1")
    assert OUTCOMES[2] in walker.text
    assert "Until 31 March" in walker.text
    for address in ("tom?environment=NONE", "tom/NONE/topology", "tom/INT1/outcome", "tom/INT1/none"):
        walker.go(f"{product}/{address}")
        assert walker.reply.status_code == 404, address
