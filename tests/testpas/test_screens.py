"""The pages of the Test PAS in a browser: each page and state, wide and narrow, with and without scripts."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser

from openers_testpas.hospital.clock import as_number
from openers_testpas.hospital.model import Wanted
from openers_testpas.hospital.slots import SlotQuery, london
from openers_testpas.system import System
from tests.kit.web.pages import SCREENS, Screen, check_page, opened
from tests.kit.web.pages import browser as browser
from tests.testpas.hospital import SERVICE_ID, as_process, options_for
from tests.testpas.referral_service import ReferralService

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def diary(shared_service: ReferralService, tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, str, str]]:
    """Run a Test PAS with an appointment; return its address, and the paths of a day and of the appointment."""
    directory = tmp_path_factory.mktemp("screens")
    options = options_for(shared_service, directory)
    system = System(options)
    [slot] = system.slots.find(SlotQuery(SERVICE_ID, start_from=as_number(system.clock.now()), count=1)).slots
    now = as_number(system.clock.now())
    wanted = Wanted("key", slot.id, slot.start, slot.end, "000000000001", "9990000042", None, now)
    booked, _ = system.bookings.book(wanted)
    system.store.close()
    with as_process(options, directory):
        yield options.address, f"/?day={london(slot.start).date()}", f"/appointments/{booked.id}"


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_every_page_is_accessible_and_fits(diary: tuple[str, str, str], browser: Browser, screen: Screen) -> None:
    address, day, appointment = diary
    with opened(browser, screen) as page:
        for path in (day, f"{day}&service={SERVICE_ID}", "/?day=2050-01-01", appointment, "/appointments/none"):
            check_page(page, address + path)
        page.goto(address + appointment)
        page.locator("#cancel-reason").select_option("PRIORITY_CHANGE")
        page.get_by_role("button", name="Cancel appointment").click()
        page.get_by_role("heading", name="There is a problem").wait_for()
        check_page(page)
