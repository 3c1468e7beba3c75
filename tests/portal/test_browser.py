"""Every page of the portal in a browser: accessible, at 320 pixels, by keyboard, without scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, StorageState

from openers_portal.access import Act
from openers_portal.routes import PAGES
from tests.kit.web.pages import SCREENS, Screen, check_page, opened
from tests.kit.web.pages import browser as browser
from tests.portal.conftest import GP, OPERATOR
from tests.portal.test_endpoints import csr

pytestmark = pytest.mark.needs("chromium")
PUBLIC: Final = [page.path for page in PAGES if page.act is Act.READ and "{" not in page.path]
LogIn = Callable[[str], StorageState]


@pytest.fixture(scope="module")
def logged_in(browser: Browser, portal: str) -> LogIn:
    """Provide the cookies of people who are logged in, each once."""
    known: dict[str, StorageState] = {}

    def _of(user: str) -> StorageState:
        if user not in known:
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{portal}/log-in?return_to=/partners")
            page.locator(f"[value='{user}']").first.check()
            page.get_by_role("button", name="Log in").click()
            page.wait_for_url(f"{portal}/partners")
            known[user] = context.storage_state()
            context.close()
        return known[user]

    return _of


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_public_pages(browser: Browser, portal: str, screen: Screen) -> None:
    with opened(browser, screen) as page:
        for path in [
            *PUBLIC,
            "/documents/data-sharing",
            "/catalogue/A005",
            "/catalogue?on=2018-06-01",
            "/faq/10",
            "/faq?q=card",
            "/nowhere",
        ]:
            check_page(page, portal + path)


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_pages_of_editors_and_operators(browser: Browser, portal: str, logged_in: LogIn, screen: Screen) -> None:
    with opened(browser, screen, logged_in(OPERATOR)) as page:
        for path in ["/edit", "/edit/new?kind=notice", "/edit/new?kind=state", "/staff", "/partners"]:
            check_page(page, portal + path)
        page.goto(f"{portal}/edit/new?kind=news")
        page.get_by_role("button", name="Publish").click()
        check_page(page)


@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_pages_of_a_partner(browser: Browser, portal: str, logged_in: LogIn, screen: Screen) -> None:
    with opened(browser, screen, logged_in(GP)) as page:
        base = _partner(page, portal, SCREENS.index(screen))
        for path in ("", "/people", "/products/new"):
            check_page(page, base + path)
        page.get_by_label("Name of the product").fill("Desk")
        page.get_by_label("Version").fill("2")
        page.get_by_role("button", name="Register").click()
        check_page(page)
        product = page.url
        _cards_packs_and_documents(page, base, SCREENS.index(screen))
        check_page(page, f"{base}/cases")
        page.goto(f"{base}/cases/new")
        page.get_by_role("button", name="Send to the desk").click()
        check_page(page)
        page.get_by_label("Incident").check()
        page.get_by_label("Title").fill("Slots are missing")
        page.get_by_label("What happened").fill("No slot is shown.")
        page.get_by_role("button", name="Send to the desk").click()
        check_page(page)
        case = page.url.rpartition("/")[2]
        check_page(page, f"{product}/settings")
        check_page(page, f"{product}/tom")
        check_page(page, f"{product}/tom/INT1/safety")
        page.get_by_role("button", name="Store the answers").click()
        check_page(page)
        check_page(page, f"{product}/hazards")
        page.goto(f"{product}/hazards/H14")
        page.get_by_role("button", name="Store the answers").click()
        check_page(page)
        check_page(page, f"{product}/endpoints/new")
        page.get_by_label("Host name (FQDN)").fill(f"desk{SCREENS.index(screen)}.browser.example")
        page.get_by_label("ODS code of the organisation").fill("D82106")
        page.get_by_role("button", name="Register").click()
        endpoint = page.url
        check_page(page)
        check_page(page, f"{endpoint}/secret")
        check_page(page, f"{endpoint}/certificate")
        page.get_by_label("Paste the request").fill("no request")
        page.get_by_role("button", name="Get the certificate").click()
        check_page(page)
        page.get_by_label("Paste the request").fill(csr(f"desk{SCREENS.index(screen)}.browser.example"))
        page.get_by_role("button", name="Get the certificate").click()
        check_page(page)
        check_page(page, f"{endpoint}/certificate")
        page.goto(endpoint)
        page.get_by_role("link", name="Revoke it").click()
        check_page(page)
    with opened(browser, screen, logged_in(OPERATOR)) as page:
        for path in ("/desk", "/desk?all=yes", f"/desk/{case}"):
            check_page(page, portal + path)
        check_page(page, f"{product}/tom")
        check_page(page, f"{product}/tom/INT1/safety")


def _partner(page: Page, portal: str, number: int) -> str:
    """Register a partner by its form; return the address of its page."""
    page.goto(f"{portal}/partners/register")
    page.get_by_role("button", name="Register").click()
    check_page(page)
    page.get_by_label("Name of the organisation").fill(f"Browser Systems {number}")
    page.get_by_label("ODS code or").fill(f"Y99{number}")
    page.get_by_label("Address", exact=True).fill("1 Mill Lane")
    page.get_by_label("E-mail of the contact").fill("ada@moor.example")
    page.get_by_label("We accept the Special Terms").check()
    page.get_by_role("button", name="Register").click()
    return page.url


def _cards_packs_and_documents(page: Page, base: str, number: int) -> None:
    """Ask for cards, make a pack, see the form of the Test PAS, and sign a document; check each page."""
    check_page(page, f"{base}/cards/new")
    page.get_by_role("button", name="Get the cards").click()
    check_page(page)
    page.get_by_label("Names of the holders").fill("Bell Browser\nBrook Browser")
    page.get_by_label("ODS code of the organisation").fill("D82106")
    page.get_by_label("Referring clinician", exact=True).check()
    page.get_by_role("button", name="Get the cards").click()
    check_page(page)
    check_page(page, f"{base}/packs/new")
    page.get_by_label("Seed number").fill(str(100 + number))
    page.get_by_role("button", name="Make the pack").click()
    check_page(page)
    check_page(page, f"{base}/packs")
    check_page(page, f"{base}/pas")
    page.get_by_role("button", name="Link it").click()
    check_page(page)
    check_page(page, f"{base}/documents")
    check_page(page, f"{base}/documents/special-terms")
    page.get_by_role("button", name="Sign", exact=True).click()
    check_page(page)
    page.get_by_label("have read the text").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    check_page(page)
