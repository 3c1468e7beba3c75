"""A browser, and what every page must hold in it: no finding of axe, nothing wider than the screen, visible focus.

Use the fixture `browser` and `check_page(browser, address, screen)`. Tests that use it need chromium.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from tests.kit.run.waiting import HANGS_AFTER_S

AXE: Final = Path(__file__).parents[3] / "build/axe.min.js"
"""Written by the set-up, with the assets."""
LARGEST: Final = 60_000
"""Bytes of HTML of a page."""
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OVERFLOW: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LOOK: Final = """element => {
    const names = ["outlineStyle", "outlineWidth", "boxShadow", "backgroundColor", "borderColor", "color"];
    const styles = [null, "::before", "::after"];
    const of = node => styles.map(part => names.map(name => getComputedStyle(node, part)[name]).join("|")).join();
    return [element, element.nextElementSibling].map(node => node && of(node)).join(" ");
}"""
"""How an element looks, with the label beside it, where the design system draws a radio button."""
LOOKS: Final = (
    f"() => Object.fromEntries([...document.querySelectorAll('[data-test-number]')]"
    f".map(each => [each.dataset.testNumber, ({LOOK})(each)]))"
)
FOCUSABLE: Final = (
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]:not([tabindex='-1'])"
)
NEXT: Final = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const box = at.getBoundingClientRect();
    const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return {number: at.dataset.testNumber, seen, look: (LOOK)(at), text: at.outerHTML.slice(0, 160)};
}""".replace("LOOK", LOOK)


class Screen(NamedTuple):
    """A width in pixels, with scripts or without."""

    width: int
    scripts: bool


SCREENS: Final = tuple(Screen(width, scripts) for width in (1280, 320) for scripts in (True, False))


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Run a browser without a window, for one module: while it runs, nothing else in this process can use asyncio."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, screen: Screen, state: StorageState | None = None) -> Generator[Page]:
    """Open a page whose errors, such as violations of the content policy, fail the test."""
    context = browser.new_context(viewport={"width": screen.width, "height": 900}, storage_state=state)
    context.set_default_timeout(HANGS_AFTER_S * 1000)
    if not screen.scripts:
        context.route("**/*.js", lambda route: route.abort())  # axe itself needs a browser that runs scripts
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert [each for each in problems if "Failed to load" not in each] == []  # 404 has a page too


def check_page(page: Page, address: str | None = None) -> None:
    """Open an address, or look at the page that is open: axe, width, size and focus by keyboard."""
    if address is not None:
        page.goto(address)
    found = findings_of_whole(page)
    name = page.url
    keep(page)
    assert page.evaluate(OVERFLOW) <= 0, f"{name} scrolls sideways"
    assert found == [], f"{name}: {found}"
    assert len(page.content().encode()) <= LARGEST, f"{name} is larger than {LARGEST} bytes"
    hidden = unseen_focus(page)
    assert hidden == [], f"{name}: the focus cannot be seen on {hidden}"


def findings_of_whole(page: Page) -> list[str]:
    """Return what axe finds in a page that has come whole: a click returns before the page that it opens."""
    while True:
        before = _document(page)
        found = findings(page)
        if _document(page) == before:
            return found


def _document(page: Page) -> float:
    """Wait until the page has its heading and is loaded; return what tells it from the next one."""
    page.locator("h1").first.wait_for(state="attached")
    page.wait_for_load_state()
    began: float = page.evaluate("performance.timeOrigin")
    return began


def findings(page: Page) -> list[str]:
    """Return what axe finds, as rule and elements."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate(  # pyright: ignore[reportUnknownMemberType] -- JSON of axe
        f"axe.run(document, {{runOnly: {list(RULES)}}})"
    )
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found["violations"]]


def unseen_focus(page: Page) -> list[str]:
    """Go through the page by the Tab key; return the elements that look the same with and without the focus."""
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    page.keyboard.press("Home")
    page.evaluate(f"document.querySelectorAll(`{FOCUSABLE}`).forEach((each, n) => {{ each.dataset.testNumber = n }})")
    before: dict[str, str] = page.evaluate(LOOKS)
    seen: set[str] = set()
    wrong: list[str] = []
    for _ in range(len(before) + 1):
        page.keyboard.press("Tab")
        at: dict[str, Any] | None = page.evaluate(NEXT)  # pyright: ignore[reportUnknownMemberType] -- JSON of NEXT
        if at is None or at["number"] in seen:
            break
        seen.add(at["number"])
        if not at["seen"] or at["look"] == before[at["number"]]:
            wrong.append(at["text"])
    page.evaluate("() => document.activeElement.blur()")
    assert seen, "the Tab key reaches nothing"
    return wrong


def keep(page: Page) -> None:
    """Save a screenshot in the folder that OPENERS_SCREENSHOTS names, if it is set."""
    folder = os.environ.get("OPENERS_SCREENSHOTS")
    if folder:
        name = "-".join(part for part in page.url.split("/")[3:] if part).partition("?")[0] or "home"
        page.screenshot(path=Path(folder) / f"{name}-{(page.viewport_size or {'width': 0})['width']}.png")
