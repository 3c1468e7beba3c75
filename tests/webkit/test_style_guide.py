"""Every part in every state, in a browser: wide and narrow, with and without scripts, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.kit.web.pages import SCREENS, Screen, check_page, opened

pytestmark = pytest.mark.needs("chromium")
PAGES = ("", "/confirm", "/problem", "/plain")


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_every_part_is_accessible_and_fits_the_screen(browser: Browser, style_guide: str, screen: Screen) -> None:
    with opened(browser, screen) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"hostile text ran as a script: {dialog.message}"))
        for path in PAGES:
            check_page(page, style_guide + path)


def test_hostile_text_makes_no_element(browser: Browser, style_guide: str) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.goto(style_guide)
        assert page.locator("script:not([src])").count() == 0
        assert page.get_by_text("<script>alert(1)</script>", exact=False).count() > 5


def test_a_foreign_page_cannot_frame_a_page(browser: Browser, style_guide: str) -> None:
    page = browser.new_page()
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.set_content(f'<iframe src="{style_guide}"></iframe>')
    page.close()


def test_the_filter_hides_items_while_typing(browser: Browser, style_guide: str) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.goto(style_guide)
        people = page.locator("#people-list li")
        assert people.count() == 3
        page.get_by_label("Find a person").fill("lee WARD")
        assert people.locator("visible=true").all_inner_texts() == ["Mr Lee Ward"]
        page.get_by_text("1 of 3 shown").wait_for()


def test_the_slash_key_leads_to_the_search_box(browser: Browser, style_guide: str) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.goto(f"{style_guide}/plain")
        page.goto(f"{style_guide}/confirm")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "header-search"
        page.keyboard.type("a/b")
        assert page.locator("#header-search").input_value() == "a/b"


def test_the_frame_of_a_page_is_low(browser: Browser, style_guide: str) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.goto(style_guide)
        heights = {name: page.locator(f".{name}").first.bounding_box() for name in ("kit-banner", "kit-header")}
        banner, header = heights["kit-banner"], heights["kit-header"]
        assert banner is not None
        assert banner["height"] <= 32
        assert header is not None
        assert header["height"] <= 100


def test_print_shows_the_page_without_its_frame(browser: Browser, style_guide: str) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.goto(style_guide)
        page.emulate_media(media="print")
        assert not page.locator(".kit-header").is_visible()
        assert page.get_by_role("heading", name="Every part in every state").is_visible()
        assert page.locator(".kit-table").first.is_visible()
