"""The guided tour: twelve pages of one referral, in the order in which its people see them.

`python -m tests.quickconnect.test_tour` takes the pictures of `docs/tutorial/tour.md` again.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.kit.run.project import ROOT
from tests.kit.web.pages import Screen
from tests.kit.web.pages import browser as browser
from tests.quickconnect.test_journeys import CONSULTANT, GP, LETTER, NURSES, PATIENT
from tests.quickconnect.test_screens import HEIGHT, at_work, follow, press, role_of

pytestmark = pytest.mark.needs("chromium")
TAKE: Final = "OPENERS_TAKE_TOUR"
"""Names the environment variable that has the pictures written into the documentation."""
PAGE: Final = ROOT / "docs/tutorial/tour.md"
PICTURES: Final = ROOT / "docs/images/tour"
SCREEN: Final = Screen(1280, scripts=True)
COLOURS: Final = 64


class Stop(NamedTuple):
    """A page of the tour: its picture's name, and its caption."""

    name: str
    caption: str


STOPS: Final = (
    Stop("01-log-in", "Dr Whitfield, a general practitioner, logs in."),
    Stop("02-work", "Her first page counts what waits for her. The number of each list is a link."),
    Stop("03-find-patient", "She looks for a patient by NHS number, or by name and date of birth."),
    Stop("04-patient", "The patient's page has all requests, and the way to a new one."),
    Stop("05-need", "What does the patient need? The kind of request and the specialty."),
    Stop("06-services", "Services that suit, the nearest first. She puts one on the shortlist."),
    Stop("07-check", "One page to check everything before the referral is created."),
    Stop("08-slots", "Free slots by day. The next page names patient and time, and books."),
    Stop("09-referral", "The referral says who must act, on what, and by which date."),
    Stop("10-letter", "The letter: one or more files. Each is scanned for viruses before it can be opened."),
    Stop("11-to-review", "Dr Castell logs in at the hospital, and sees the referral among those to review."),
    Stop("12-decision", "The documents and the decision are side by side. She accepts, and the practice sees it."),
)


def test_each_stop_of_the_tour_has_a_picture_and_its_caption_in_the_documentation() -> None:
    text = PAGE.read_text("utf-8")
    assert [path.stem for path in sorted(PICTURES.glob("*.png"))] == [each.name for each in STOPS]
    assert re.findall(r"^## \d+\. .*\n\n(.*)\n\n!\[.*\]\(\.\./images/tour/([\w-]+)\.png\)$", text, re.MULTILINE) == [
        (each.caption, each.name) for each in STOPS
    ]


def test_the_tour_can_be_walked(quick_connect: str, browser: Browser, tmp_path: Path) -> None:
    folder = PICTURES if os.environ.get(TAKE) else tmp_path
    folder.mkdir(exist_ok=True)
    with ExitStack() as opened:
        stops = zip(STOPS, _walk(quick_connect, browser, opened), strict=True)
        taken = [each.name for each, page in stops if _take(page, folder / f"{each.name}.png")]
    assert taken == [each.name for each in STOPS]


def _walk(address: str, browser: Browser, opened: ExitStack) -> Iterator[Page]:
    """Yield the page at each stop."""
    page = browser.new_page(viewport={"width": SCREEN.width, "height": HEIGHT})
    opened.callback(page.close)
    page.goto(address)
    yield page
    page = opened.enter_context(at_work(browser, SCREEN, address, GP))
    yield page
    page.goto(f"{role_of(page)}/patients")
    yield page
    page.get_by_label("NHS number").fill(PATIENT)
    press(page, "Find")
    page.get_by_role("heading", name="Hartley, Walter").first.wait_for()
    yield page
    follow(page, "Refer or ask for advice")
    page.locator("input[value='APPOINTMENT_REQUEST']").check()
    page.get_by_label("Specialty").select_option("CARDIOLOGY")
    yield page
    press(page, "Continue")
    page.get_by_label("Clinic type").select_option("HEART_FAILURE")
    press(page, "Find services")
    page.locator(f"#s{NURSES}").check()
    yield page
    press(page, "Continue")
    page.locator("input[value='NEED_TO_ADD_LATER']").check()
    page.locator("input[name='action'][value='book']").check()
    yield page
    press(page, "Create the referral")
    slot = page.locator("main").get_by_role("button", name=re.compile("book on")).first
    slot.wait_for()
    yield page
    slot.click()
    press(page, "Book this appointment")
    page.get_by_role("heading", name=re.compile("^Referral ")).first.wait_for()
    referral = page.url.partition("?")[0]
    yield page
    follow(page, "Add the letter")
    name, content = LETTER
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
    press(page, "Add the letter")
    page.get_by_text("The letter is added.").wait_for()
    page.goto(f"{referral}/letter")
    yield page
    page = opened.enter_context(at_work(browser, SCREEN, address, CONSULTANT))
    page.goto(f"{role_of(page)}/worklists/to-review")
    yield page
    page.goto(f"{role_of(page)}/referrals/{referral.rpartition('/')[2]}/review")
    page.locator("input[value='accept']").check()
    yield page


def _take(page: Page, path: Path) -> bool:
    """Take a picture of the page with few colours; return whether it shows anything."""
    taken = Image.open(BytesIO(page.screenshot()))
    shown = taken.convert("RGB")
    shown.quantize(COLOURS).save(path, optimize=True)
    return len(shown.getcolors(shown.width * shown.height) or ()) > 2


def main() -> None:
    """Take the pictures again."""
    os.environ[TAKE] = "1"
    sys.exit(pytest.main(["-q", "-n", "0", f"{__file__}::test_the_tour_can_be_walked"]))


if __name__ == "__main__":
    main()
