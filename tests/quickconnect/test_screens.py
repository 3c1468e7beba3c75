"""The journeys of Quick Connect in a browser, with and without scripts: each page is accessible, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from tests.kit.web.pages import Screen, check_page, opened
from tests.kit.web.pages import browser as browser
from tests.quickconnect.test_journeys import CONSULTANT, GP, LETTER, NURSES, PATIENT

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.parametrize("screen", [Screen(1280, scripts=True), Screen(320, scripts=False)], ids=str),
]
HEIGHT: Final = 900


@contextmanager
def at_work(browser: Browser, screen: Screen, address: str, user: str, begins: str = "Your work") -> Generator[Page]:
    """Open Quick Connect as a person in the first of their roles, whose first page has the heading `begins`."""
    with opened(browser, screen) as page:
        page.goto(address)
        page.locator(f"input[value='{user}']").check()
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{address}/**")
        if not page.url.partition("/as/")[1]:
            check_page(page)
            page.locator(".qc-roles a").first.click()
        page.get_by_role("heading", name=begins).first.wait_for()
        yield page


def see(page: Page, heading: str | re.Pattern[str]) -> None:
    """Wait for a page, and check it at both widths."""
    page.get_by_role("heading", name=heading).first.wait_for()
    before = page.viewport_size
    for width in (1280, 320):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        check_page(page)
    assert before is not None
    page.set_viewport_size(before)


def press(page: Page, name: str) -> None:
    """Press the button of the page's own form that has this name."""
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    """Follow the first link of the page's content that begins so."""
    page.locator("main a", has_text=re.compile(rf"^\s*{re.escape(name)}")).first.click()


def services_for(page: Page, kind: str) -> None:
    """Find the patient and the services that suit, and see each page on the way."""
    page.goto(f"{role_of(page)}/patients")
    page.get_by_label("NHS number").fill(PATIENT)
    press(page, "Find")
    see(page, "Hartley, Walter")
    follow(page, "Refer or ask for advice")
    see(page, "What does the patient need?")
    page.locator(f"input[value='{kind}']").check()
    page.get_by_label("Specialty").select_option("CARDIOLOGY")
    press(page, "Continue")
    press(page, "Find services")
    see(page, "There is a problem")
    page.get_by_label("Clinic type").select_option("HEART_FAILURE")
    see(page, "Which clinic type?")
    press(page, "Find services")


def role_of(page: Page) -> str:
    """Return the beginning of all addresses of the role."""
    return "/".join(page.url.split("/")[:5])


def test_a_patient_is_referred_booked_and_accepted(quick_connect: str, browser: Browser, screen: Screen) -> None:
    with at_work(browser, screen, quick_connect, GP) as page:
        see(page, "Your work")
        page.goto(f"{role_of(page)}/patients")
        press(page, "Find")
        see(page, "There is a problem")
        services_for(page, "APPOINTMENT_REQUEST")
        page.locator(f"#s{NURSES}").check()
        see(page, re.compile("services?"))
        press(page, "Continue")
        see(page, "Check and refer")
        page.locator("input[value='NEED_TO_ADD_LATER']").check()
        page.locator("input[name='action'][value='book']").check()
        press(page, "Create the referral")
        see(page, re.compile("slot|appointment", re.IGNORECASE))
        page.locator("main").get_by_role("button", name=re.compile("book on")).first.click()
        see(page, "Check the appointment")
        press(page, "Book this appointment")
        see(page, re.compile("^Referral "))
        referral = page.url.partition("?")[0]
        follow(page, "Add the letter")
        see(page, "Referral letter")
        name, content = LETTER
        page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
        press(page, "Add the letter")
        page.get_by_text("The letter is added.").wait_for()
        for path, heading in (("?view=api", "This page as API"), ("/cancel", re.compile("Cancel"))):
            page.goto(referral + path)
            see(page, heading)
        number = referral.rpartition("/")[2]
    with at_work(browser, screen, quick_connect, CONSULTANT) as page:
        page.goto(f"{role_of(page)}/worklists/to-review")
        see(page, re.compile("review", re.IGNORECASE))
        page.goto(f"{role_of(page)}/worklists/to-review/views")
        press(page, "Save the view")
        see(page, "There is a problem")
        page.get_by_label("Name of the view").fill("Everything")
        press(page, "Save the view")
        page.goto(f"{role_of(page)}/worklists/to-review/views")
        see(page, re.compile("Saved views"))
        page.goto(f"{role_of(page)}/referrals/{number}/review")
        page.locator("input[value='reject']").check()
        press(page, "Save the decision")
        see(page, "There is a problem")
        page.locator("input[value='accept']").check()
        press(page, "Save the decision")
        page.get_by_text(f"Accepted: Hartley, Walter ({number[:4]} {number[4:8]} {number[8:]})").wait_for()
        page.goto(f"{role_of(page)}/referrals/{number}")
        see(page, re.compile("^Referral "))


def test_advice_is_asked_for_and_answered(quick_connect: str, browser: Browser, screen: Screen) -> None:
    with at_work(browser, screen, quick_connect, GP) as page:
        services_for(page, "ADVICE_AND_GUIDANCE_REQUEST")
        page.locator("input[name='service']").first.check()
        press(page, "Continue")
        see(page, "Write your question")
        page.get_by_label("Your question").fill("Is ramipril enough?")
        press(page, "Send the question")
        see(page, re.compile("^Advice "))
        number = page.url.partition("?")[0].rpartition("/")[2]
    with at_work(browser, screen, quick_connect, CONSULTANT) as page:
        page.goto(f"{role_of(page)}/advice/{number}")
        see(page, re.compile("^Advice "))
        page.locator("input[value='RETURN_TO_REFERRER_WITH_ADVICE']").check()
        page.get_by_label("Your message").fill("Yes, it is.")
        press(page, "Send")
        see(page, "There is a problem")
        page.get_by_label("Your recommendation").select_option("ADVICE_ONLY_NO_REFERRAL_RECOMMENDED")
        press(page, "Send")
        page.get_by_role("heading", name="There is a problem").wait_for(state="detached")
    with at_work(browser, screen, quick_connect, GP) as page:
        page.goto(f"{role_of(page)}/worklists/come-back")
        see(page, re.compile("."))
        page.goto(f"{role_of(page)}/advice/{number}")
        page.get_by_text("Yes, it is.").wait_for()
        see(page, re.compile("^Advice "))
