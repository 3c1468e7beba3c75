"""An operator's pages without scripts: register, change and end organisations, people, applications and links."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from tests.kit.web.walker import Walker

Enter = Callable[[str], Walker]
OPERATOR: Final = "555050001100"
NEW: Final[dict[str, tuple[str, dict[str, str | list[str]], dict[str, str | list[str]]]]] = {
    "organisations": ("X27A", {"ods": "X27A", "kind": "PROVIDER", "postcode": "LS1 4AP"}, {"telephone": "0113 1"}),
    "sites": ("X27A1", {"ods": "X27A1", "organisation": "RCD", "postcode": "LS1 4AP"}, {"postcode": "LS1 4HT"}),
    "people": (
        "555050001777",
        {"id": "555050001777", "roles": "RCD SERVICE_PROVIDER_CLINICIAN", "workgroups": "RCD/Cardiology"},
        {"roles": "RCD: SERVICE_PROVIDER_CLINICIAN, SERVICE_DEFINER"},
    ),
    "applications": (
        "moor-app",
        {
            "client_id": "moor-app",
            "mode": "user-restricted",
            "redirect_uris": "http://127.0.0.1/callback",
            "jwks_uri": "https://moor.example/jwks",
        },
        {"asid": "200000000777", "administers": "false"},
    ),
}
"""Key, what a new record has beside its name, and a change."""


@pytest.mark.parametrize("register", NEW)
def test_a_record_is_registered_changed_and_ended(walker: Enter, register: str) -> None:
    key, new, change = NEW[register]
    operator = walker(OPERATOR)
    operator.go(f"{operator.role}/{register}/new")
    operator.send("Save", name="")
    assert (operator.reply.status_code, "Enter the name" in operator.text) == (422, True)
    assert "Enter the name of the service" not in operator.text
    assert "Object missing" not in operator.text
    operator.send("Save", name="Moor <b>Lane</b>", **new)
    assert "Saved." in operator.text, operator.text
    operator.send("Save", **change)
    assert "Version 2" in operator.text, operator.text
    operator.go(f"{operator.role}/{register}?q={key}")
    assert "Moor <b>Lane</b>" in operator.text
    operator.go(f"{operator.role}/{register}/new")
    operator.send("Save", name="Moor <b>Lane</b>", **new)
    assert f"{key} is registered already" in operator.text
    operator.go(f"{operator.role}/{register}/record/{key}")
    operator.follow("End this")
    operator.send("End")
    assert "The record has ended." in operator.text, operator.text
    operator.go(f"{operator.role}/{register}")
    assert key in operator.text


@pytest.mark.parametrize(
    ("register", "values", "said"),
    [
        ("organisations", {"ods": "X27B", "kind": "PROVIDER", "postcode": "nowhere"}, "Postcode: the service does not"),
        ("people", {"id": "555050001778", "roles": ","}, "Saved."),
        ("people", {"id": "555050001779", "roles": ":\n , \nRCD SERVICE_DEFINER"}, "Saved."),
        ("people", {"id": "555050001780", "roles": "RCD KING"}, "There is a problem"),
    ],
)
def test_odd_values_are_told_or_left_out(
    walker: Enter, register: str, values: dict[str, str | list[str]], said: str
) -> None:
    operator = walker(OPERATOR)
    operator.go(f"{operator.role}/{register}/new")
    operator.send("Save", name="Odd", **values)
    assert operator.reply.status_code < 500
    assert said in operator.text, operator.text


def test_two_operators_do_not_overwrite_each_other(walker: Enter) -> None:
    first, second = walker(OPERATOR), walker(OPERATOR)
    for each in (first, second):
        each.go(f"{each.role}/organisations/record/D82106")
    first.send("Save", telephone="0113 496 0777")
    second.send("Save", telephone="0113 496 0888")
    assert (second.reply.status_code, "Somebody else has changed this record" in second.text) == (422, True)


def test_a_link_of_a_service_is_shown(walker: Enter) -> None:
    operator = walker(OPERATOR)
    operator.follow("PAS links")
    assert "11006" in operator.text
    operator.go(f"{operator.role}/pas-links/record/11006")
    assert "FHIR address of the PAS" in operator.text


def test_only_an_operator_registers(walker: Enter) -> None:
    definer = walker("555032006100")
    for register in (*NEW, "pas-links"):
        definer.go(f"{definer.role}/{register}")
        assert definer.reply.status_code == 403, register
