"""The palette and the keys of Quick Connect in a browser, and the clock of the world in its banner."""

from __future__ import annotations

import re
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.web.pages import Screen, findings
from tests.kit.web.pages import browser as browser
from tests.quickconnect.test_journeys import CONSULTANT, GP, Enter, booked
from tests.quickconnect.test_screens import at_work

WIDE: Final = Screen(1280, scripts=True)


def test_the_banner_shows_the_clock_of_the_world(enter_gp: str) -> None:
    assert re.search(r"Clock of this world: .* 20\d\d, \d\d:\d\d", enter_gp)


@pytest.fixture
def enter_gp(walker: Enter) -> str:
    """Return the text of a GP's first page."""
    return walker(GP).text


@pytest.mark.needs("chromium")
def test_keys_open_lists_rows_and_dialogs(quick_connect: str, browser: Browser) -> None:
    with at_work(browser, WIDE, quick_connect, CONSULTANT) as page:
        press(page, "g", "w")
        expect(page).to_have_url(re.compile("/worklists/to-review"))
        press(page, "g", "h")
        expect(page).to_have_url(re.compile(r"/as/[^/]+$"))
        press(page, "1")
        expect(page).to_have_url(re.compile("/worklists/to-review"))
        press(page, "?")
        keys = page.get_by_role("dialog", name="Keys")
        expect(keys).to_be_visible()
        assert findings(page) == []
        keys.get_by_role("button", name="Turn single keys off").click()
        press(page, "Escape", "g", "a")
        expect(page).to_have_url(re.compile("/worklists/to-review"))
        page.keyboard.press("Control+k")
        palette = page.get_by_role("dialog", name="Palette")
        palette.get_by_label("Go to").fill("advi")
        assert findings(page) == []
        palette.get_by_label("Go to").press("Enter")
        expect(page).to_have_url(re.compile("/worklists/advice"))


@pytest.mark.needs("chromium")
def test_keys_select_rows_decide_and_go_on(quick_connect: str, browser: Browser, walker: Enter) -> None:
    """`x` selects a row and leaves it out, `d` chooses to book later, `n` opens the next of the queue."""
    gp = walker(GP)
    for _ in range(2):
        booked(gp)
    with at_work(browser, WIDE, quick_connect, CONSULTANT) as page:
        page.goto(f"{page.url.partition('?')[0]}/worklists/to-review")
        tick = page.locator(".kit-table tbody input[type=checkbox]").first
        press(page, "j", "x")
        expect(tick).to_be_checked()
        press(page, "x")
        expect(tick).not_to_be_checked()
        first = tick.get_attribute("value")
        page.goto(page.url.replace("worklists/to-review", f"referrals/{first}/review"))
        press(page, "d")
        expect(page.locator("input[value='later']")).to_be_checked()
        press(page, "n")
        expect(page).not_to_have_url(re.compile(str(first)))
        expect(page.get_by_role("heading", name=re.compile("^(Review|Triage) "))).to_be_visible()


@pytest.mark.needs("chromium")
def test_the_palette_finds_a_patient_without_the_number_in_an_address(quick_connect: str, browser: Browser) -> None:
    asked = list[str]()
    with at_work(browser, WIDE, quick_connect, GP) as page:
        page.on("request", lambda request: asked.append(request.url))
        page.keyboard.press("Control+k")
        page.get_by_label("Go to").fill("991 200 3888")
        page.get_by_label("Go to").press("Enter")
        page.get_by_role("heading", name="Hartley, Walter").wait_for()
        page.keyboard.press("Control+k")
        page.get_by_label("Go to").fill("refer or ask")
        page.get_by_label("Go to").press("Enter")
        page.get_by_role("heading", name="What does the patient need?").wait_for()
    assert not [each for each in asked if "9912003888" in each]


def press(page: Page, *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        page.keyboard.press(key)
