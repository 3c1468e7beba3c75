"""Pages of commissioners and of workgroups, without scripts: rules, members, clinicians."""

from __future__ import annotations

import re

from tests.kit.web.walker import Walker
from tests.quickconnect.test_registers import OPERATOR, Enter

COMMISSIONER = "555040009100"
DEFINER = "555032006100"
PROVIDER = "RCD"
ELSEWHERE = "555032007103"


def numbers(walker: Walker) -> list[str]:
    """Return the numbers of the services that a list shows."""
    return re.findall(r"Number ([0-9]+)", walker.text)


def test_a_rule_is_made_changed_and_withdrawn(walker: Enter) -> None:
    """A commissioner lets its organisations refer from a day on, moves the day, and withdraws the rule."""
    commissioner = walker(COMMISSIONER)
    assert "No rule" in commissioner.text, "the role begins with its services"
    number = numbers(commissioner)[0]
    here = f"{commissioner.role}/commissioning/{number}"
    commissioner.go(here)
    commissioner.send("Save")
    assert (commissioner.reply.status_code, "Enter a day" in commissioner.text) == (422, True)
    day = {"starts-day": "1", "starts-month": "4", "starts-year": "2031"}
    commissioner.send("Save", **day)
    assert "Saved: your organisations may refer from 1 April 2031." in commissioner.text, commissioner.text
    commissioner.send("Save", **{**day, "starts-day": "2"})
    assert "2 April 2031" in commissioner.text
    commissioner.go(f"{commissioner.role}/commissioning?state=rule")
    assert numbers(commissioner) == [number]
    assert "2 April 2031" in commissioner.text
    commissioner.go(here)
    commissioner.follow("Withdraw the rule")
    commissioner.send("Withdraw")
    assert "The rule is withdrawn." in commissioner.text
    assert "Withdrawn" in commissioner.text
    commissioner.send("Save", **day)
    assert "Has a rule" in commissioner.text, "a withdrawn rule can be made again"


def test_two_commissioners_do_not_overwrite_each_other(walker: Enter) -> None:
    """The second of two who change one rule at once is told so."""
    first, second = walker(COMMISSIONER), walker(COMMISSIONER)
    number = numbers(first)[-1]
    for each in (first, second):
        each.go(f"{each.role}/commissioning/{number}")
    for each, day in ((first, "3"), (second, "4")):
        each.send("Save", **{"starts-day": day, "starts-month": "5", "starts-year": "2031"})
    assert (second.reply.status_code, "Another user has changed this rule" in second.text) == (422, True)


def test_a_definer_sees_the_workgroups_and_changes_none(walker: Enter) -> None:
    """Members with their roles, clinicians with their services; the change is left to an operator."""
    definer = walker(DEFINER)
    definer.follow("Workgroups")
    definer.follow("Cardiology")
    assert "Dr Priya Castell" in definer.text, definer.text
    assert "Service provider clinician" in definer.text, definer.text
    assert "Dr Edwin Foss" not in definer.text, "who has left is no member"
    assert "Add" not in definer.buttons
    definer.post(definer.path, add=DEFINER, form_token=definer.hidden("form_token"))
    assert definer.reply.status_code == 422, "the service decides, not the page"
    assert "Sally Ferrand is a member" not in definer.text


def test_an_operator_adds_and_removes_a_member(walker: Enter) -> None:
    """Any organisation by its code; a number that nobody has, and a person without a role there, are told."""
    operator = walker(OPERATOR)
    operator.go(f"{operator.role}/workgroups?q={PROVIDER.lower()}")
    operator.follow("Medicine")
    for wrong, said in (("12", "Enter a user id"), ("555999999999", "is not registered"), (ELSEWHERE, "has a role")):
        operator.send("Add", add=wrong)
        assert (operator.reply.status_code, said in operator.text) == (422, True), operator.text
    operator.send("Add", add=DEFINER)
    assert "Sally Ferrand is a member of the workgroup." in operator.text, operator.text
    operator.send("Remove (Sally Ferrand)")
    assert "Sally Ferrand has left the workgroup." in operator.text, operator.text
