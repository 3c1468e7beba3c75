"""The documentation in a browser: search and navigation on a wide and a narrow screen."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.kit.service.live import live
from tests.kit.web.pages import browser as browser

pytestmark = pytest.mark.needs("chromium")
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 320, "height": 640}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Run a service; return the address of its documentation."""
    with live({"OPENERS_DATABASE_URL": f"sqlite:///{tmp_path_factory.mktemp('docs')}/a.db"}) as service:
        yield f"{service.base_url}/docs/"


@pytest.fixture(params=[WIDE, NARROW], ids=["1280", "320"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Generator[Page]:
    """Open a page that fails the test if the browser reports an error, such as a violation of the content policy."""
    page = browser.new_page(viewport=request.param)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    assert problems == []


def _keep(page: Page, name: str) -> None:
    """Save a screenshot in the folder that OPENERS_SCREENSHOTS names, if it is set."""
    folder = os.environ.get("OPENERS_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}-{(page.viewport_size or WIDE)['width']}.png")


def test_search_finds_a_page_by_keyboard_only(address: str, page: Page) -> None:
    page.goto(address)
    assert page.evaluate(OVERFLOW) == 0
    _keep(page, "start")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the text"
    while page.evaluate("document.activeElement.id") != "q":
        page.keyboard.press("Tab")
    page.keyboard.type("shortlist referral")
    page.keyboard.press("Enter")
    found = page.locator("ul.search li")
    found.first.wait_for()
    assert page.evaluate(OVERFLOW) == 0
    result = found.get_by_role("link", name="A031").first
    result.locator("xpath=..").locator(".context").wait_for()  # the page of the result was loaded for its excerpt
    _keep(page, "search")
    result.press("Enter")
    page.wait_for_url("**/operations/a031.html*")
    assert page.evaluate(OVERFLOW) == 0
    _keep(page, "operation")


def test_search_says_when_it_finds_nothing(address: str, page: Page) -> None:
    page.goto(f"{address}search.html?q=xyzzyx")
    page.get_by_text("did not match any documents").wait_for()


def test_the_contents_lead_to_every_section(address: str, page: Page) -> None:
    page.goto(address)
    contents = page.get_by_role("navigation", name="Contents")
    sections = contents.locator("summary").all_inner_texts()
    assert sections[:3] == ["Start", "Tutorials", "How-to guides"]
    assert {"Operations", "Reference", "Explanation", "Decisions", "Contributing"} <= set(sections)
    contents.locator("summary", has_text="Decisions").press("Enter")
    contents.get_by_role("link", name="0018").click()
    page.wait_for_url("**/adr/0018-*.html")
    assert page.evaluate(OVERFLOW) == 0
