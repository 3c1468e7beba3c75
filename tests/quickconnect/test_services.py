"""A definer's pages without scripts: a service from its first draft to its publication, link, slots and versions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Final

import pytest

from tests.kit.web.walker import Walker

Enter = Callable[[str], Walker]
DEFINER: Final = "555032006100"
_NUMBERS: Final = count(1)


def begun(definer: Walker) -> str:
    """Save a first draft of its own name; return the address of the service."""
    definer.follow("Services")
    definer.follow("Add a service")
    definer.send("Save the draft", name=f"Palpitations clinic {next(_NUMBERS)}", site="RCD01")
    assert "The draft is saved." in definer.text
    return definer.path


def filled(definer: Walker) -> str:
    """Fill in the sections of a new draft; return the address of the service."""
    at = begun(definer)
    for title, values in SECTIONS.items():
        if title == "Clinic types":
            definer.go(f"{at}/sections/clinic-types?specialty=CARDIOLOGY")
        else:
            definer.follow(title)
        definer.send("Save", **values)
        assert f"{title}: saved." in definer.text, definer.text
    return at


SECTIONS: Final[dict[str, dict[str, str | list[str]]]] = {
    "Name and place": {"workgroup": "RCD/Cardiology", "location_name": "North wing"},
    "Requests and priorities": {
        "flows": ["APPOINTMENT_REQUEST"],
        "priorities": ["ROUTINE", "URGENT"],
        "appointment_type": "FIRST_OUTPATIENT",
    },
    "Clinic types": {"pair": ["CARDIOLOGY/HEART_FAILURE"]},
    "Patients": {"gender": "MALE_AND_FEMALE", "ages_lowest": "18"},
    "What referrers read": {"referrer_alert": "Please send <b>an ECG</b>", "letter_required": "true"},
    "Hours, contacts and waits": {"contacts_patients_phone": "0113 496 0001", "appointment_wait_days": "12"},
    "Clinicians": {"allocated_clinicians": ["555031999105"], "clinicians": ["555031999105"]},
    "Who may refer": {"commissioning_nationally_available": "true"},
    "Slots": {"slot_rules_polling_range_days": "42", "slot_rules_windows_ROUTINE_starts_after_hours": "48"},
}


def test_a_service_is_defined_and_published(walker: Enter) -> None:
    definer = walker(DEFINER)
    at = begun(definer)
    assert "9 to do" not in definer.text
    assert "The service has no clinic type: choose at least one specialty with a clinic type." in definer.text
    definer.go(f"{at}/publish")
    assert "It cannot be published before the points above are done." in definer.text
    assert "Publish" not in definer.buttons
    at = filled(definer)
    assert "Please send <b>an ECG</b>" in definer.text
    assert "It is ready to be published." in definer.text
    definer.follow("Check and publish")
    assert "The service was never published." in definer.text
    definer.send("Publish")
    assert "is published in version 1. Referrers find it now." in definer.text
    definer.follow("Patients")
    assert definer.path == f"{at}/sections/patients"
    definer.send("Save", ages_lowest="16")
    definer.follow("Check and publish")
    assert "From age (years) 18 16" in definer.text
    definer.send("Publish")
    definer.follow("Versions")
    assert "Version 2, seen by referrers now" in definer.text


def test_who_sees_a_service_and_which_slots(walker: Enter) -> None:
    definer = walker(DEFINER)
    definer.go(f"{definer.role}/services/11006/seen")
    definer.send("Show", organisation="D82106", priority="ROUTINE", age="40")
    assert "The service Seen" in definer.text
    assert "Slot 801" in definer.text
    definer.send("Show", organisation="!")
    assert definer.reply.status_code == 422
    definer.go(f"{definer.role}/services/11006/pas")
    definer.send("Poll the PAS now")
    assert "The PAS was polled." in definer.text
    definer.send("Save the link", url="")
    assert "Enter the FHIR address of the PAS" in definer.text


def test_a_service_is_copied_hidden_ended_and_discarded(walker: Enter) -> None:
    definer = walker(DEFINER)
    at = filled(definer)
    definer.follow("Check and publish")
    definer.send("Publish")
    definer.follow("Set the last day")
    for month, year in (("13", "2099"), ("1", "9" * 20), ("1", "²")):
        definer.send("Set the last day", **{"on-day": "1", "on-month": month, "on-year": year})
        assert (definer.reply.status_code, "Enter a day" in definer.text) == (422, True)
    definer.send("Set the last day", **{"on-day": "31", "on-month": "3", "on-year": "2099"})
    assert "The last day is set." in definer.text
    definer.follow("Hide it from referrers")
    definer.send("Hide")
    assert "is hidden. Its referrals stay." in definer.text
    definer.go(f"{at}/seen?organisation=D82106")
    assert "Not seen The service is not published: publish its draft." in definer.text
    definer.go(f"{at}/copy")
    definer.send("Copy", name=f"Palpitations clinic {next(_NUMBERS)}")
    assert "The copy is saved as a draft." in definer.text
    definer.follow("Discard the draft")
    definer.send("Discard")
    assert "The draft is discarded." in definer.text
    definer.go(f"{definer.role}/services?state=hidden")
    assert at.rpartition("/")[2] in definer.text


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("name", {"name": ""}, "Enter the name of the service"),
        ("name", {"opens_on-day": "40", "opens_on-month": "1", "opens_on-year": "2031"}, "First day: enter a day"),
        ("name", {"opens_on-day": "1", "opens_on-month": "1", "opens_on-year": "9" * 20}, "First day: enter a day"),
        ("patients", {"ages_lowest": "many"}, "From age (years): enter a whole number"),
        ("patients", {"ages_lowest": "999"}, "a whole number from 0 to 130"),
        ("contacts", {"hours_of_operation": "x" * 5000}, "Use at most 4000 characters"),
        ("slots", {"slot_rules_windows_ROUTINE_starts_after_hours": "0"}, "a whole number from 1 to 10000"),
        (
            "access",
            {"commissioning_nationally_available": "false", "commissioning_organisations": "a!"},
            "does not accept this value. ODS codes",
        ),
    ],
)
def test_what_cannot_be_saved_is_told_beside_its_field(
    walker: Enter, section: str, values: dict[str, str | list[str]], said: str
) -> None:
    definer = walker(DEFINER)
    at = begun(definer)
    definer.go(f"{at}/sections/{section}")
    definer.send("Save", **values)
    assert definer.reply.status_code == 422, definer.text
    assert "There is a problem" in definer.text
    assert said in definer.text, definer.text[definer.text.find("There is") :][:300]


def test_two_definers_do_not_overwrite_each_other(walker: Enter) -> None:
    """The second one is told what differs, and saves on top of it."""
    first, second = walker(DEFINER), walker(DEFINER)
    at = begun(first)
    for each in (first, second):
        each.go(f"{at}/sections/referrers")
    first.send("Save", exclusions="Children")
    second.send("Save", conditions_treated="Palpitations")
    assert "Somebody else has saved this service since you opened the page." in second.text
    assert "Conditions treated, Exclusions" in second.text
    second.send("Save", exclusions="Children")
    assert "What referrers read: saved." in second.text
    assert {"Children", "Palpitations"} <= set(second.text.replace(".", "").split())


def test_the_calls_of_a_definer_are_shown(walker: Enter) -> None:
    definer = walker(DEFINER)
    definer.go(f"{definer.role}/services/11006?view=api")
    assert "GET /admin/v1/services/11006/draft" in definer.text
    assert "$TOKEN" in definer.text


@pytest.mark.parametrize("path", ["/services/999", "/services/11003", "/services/x"])
def test_a_service_of_another_provider_is_not_there(walker: Enter, path: str) -> None:
    definer = walker(DEFINER)
    definer.go(f"{definer.role}{path}")
    assert (definer.reply.status_code, "There is no such record" in definer.text) == (404, True), definer.text


def test_a_referrer_defines_nothing(walker: Enter) -> None:
    gp = walker("555073103100")
    gp.go(f"{gp.role}/services")
    assert gp.reply.status_code == 403
