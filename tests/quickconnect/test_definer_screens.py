"""The pages of a definer in a browser: each is accessible, wide and narrow, with and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page

from tests.kit.web.pages import SCREENS, Screen, check_page
from tests.kit.web.pages import browser as browser
from tests.quickconnect.test_commissioning import COMMISSIONER
from tests.quickconnect.test_journeys import PATIENT
from tests.quickconnect.test_registers import OPERATOR
from tests.quickconnect.test_screens import at_work, press, role_of
from tests.quickconnect.test_services import DEFINER

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.parametrize("screen", SCREENS, ids=str)]
REGISTERS = {
    "organisations": "D82106",
    "sites": "RCD01",
    "people": "555031999105",
    "applications": "quickconnect",
    "pas-links": "11006",
}
SECTIONS = ("name", "requests", "clinic-types", "patients", "referrers", "contacts", "clinicians", "access", "slots")


def see(page: Page, heading: str | re.Pattern[str]) -> None:
    """Wait for a page, and check it."""
    page.get_by_role("heading", name=heading).first.wait_for()
    check_page(page)


def test_each_page_of_a_service_is_accessible(quick_connect: str, browser: Browser, screen: Screen) -> None:
    """A long name with a long word, every section, each finding, an error, a difference, slots that are hidden."""
    name = f"Clinic for people with {'pseudohypoparathyroidism' * 3} ({screen.width}, {screen.scripts})"
    with at_work(browser, screen, quick_connect, DEFINER, "Services") as page:
        see(page, "Services")
        page.goto(f"{role_of(page)}/services/new")
        press(page, "Save the draft")
        see(page, "There is a problem")
        page.get_by_label("Name of the service").fill(name)
        page.locator("input[value='RCD01']").check()
        press(page, "Save the draft")
        see(page, name)
        at = page.url
        for section in SECTIONS:
            page.goto(f"{at}/sections/{section}")
            see(page, re.compile("."))
        page.goto(f"{at}/sections/patients")
        page.get_by_label("From age").fill("many")
        press(page, "Save")
        see(page, "There is a problem")
        page.goto(f"{at}/sections/referrers")
        page.get_by_label("Alert").fill("Please send an ECG")
        page.locator("input[name='letter_required'][value='true']").check()
        press(page, "Save")
        page.get_by_text("What referrers read: saved.").wait_for()
        for path in ("", "/publish", "/copy", "/discard", "/pas", "/seen"):
            page.goto(at + path)
            see(page, re.compile("."))
        live = f"{role_of(page)}/services/11006"
        page.goto(f"{live}/seen?organisation=D82106&priority=URGENT")
        see(page, re.compile("Who sees"))
        for path in ("", "/publish", "/versions", "/end", "/hide", "/pas", "?view=api"):
            page.goto(live + path)
            see(page, re.compile("."))


def test_each_register_of_an_operator_is_accessible(quick_connect: str, browser: Browser, screen: Screen) -> None:
    """Each list, each form of a new record with its errors, a record, and the question before its end."""
    with at_work(browser, screen, quick_connect, OPERATOR, "Services") as page:
        operator = role_of(page)
        for register, key in REGISTERS.items():
            for path in ("", f"/record/{key}", f"/end/{key}", "/new"):
                page.goto(f"{operator}/{register}{path}")
                see(page, re.compile("."))
            press(page, "Save")
            see(page, "There is a problem")


def test_what_else_an_operator_has_is_accessible(quick_connect: str, browser: Browser, screen: Screen) -> None:
    """The search of the audit, with an error, entries and none; workgroups, with an error, members and none."""
    with at_work(browser, screen, quick_connect, OPERATOR, "Services") as page:
        operator = role_of(page)
        for number, heading in (("1", "There is a problem"), (PATIENT, "Who has seen"), ("9999999999", "Who has seen")):
            page.goto(f"{operator}/audit")
            page.get_by_label("NHS number").fill(number)
            press(page, "Find out")
            see(page, re.compile(heading))
        for path in ("/workgroups", "/workgroups?q=RCD", "/workgroups/RCD%2FCardiology", "/workgroups/RCD%2FNobody"):
            page.goto(operator + path)
            see(page, re.compile("."))
        page.goto(f"{operator}/workgroups/RCD%2FCardiology")
        press(page, "Add")
        see(page, "There is a problem")


def test_each_page_of_a_commissioner_is_accessible(quick_connect: str, browser: Browser, screen: Screen) -> None:
    """The list, nothing found, a rule, an error, and the question before a withdrawal."""
    with at_work(browser, screen, quick_connect, COMMISSIONER, "Commissioning") as page:
        here = f"{role_of(page)}/commissioning"
        for path in ("", "?q=nothing", "?state=none"):
            page.goto(here + path)
            see(page, "Commissioning")
        page.goto(here)
        page.locator("main .kit-table a").first.click()
        page.locator("input[name='starts-day']").fill("")
        press(page, "Save")
        see(page, "There is a problem")
        for name, value in (("day", "1"), ("month", "4"), ("year", "2031")):
            page.locator(f"input[name='starts-{name}']").fill(value)
        press(page, "Save")
        see(page, re.compile("."))
        page.get_by_role("link", name="Withdraw the rule").click()
        see(page, re.compile("^Withdraw"))
        page.goto(f"{here}/11006")
        see(page, re.compile("."))
