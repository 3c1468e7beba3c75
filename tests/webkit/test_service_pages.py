"""The service's own pages in a browser: each page and state, and the home page as people and programs use it."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.kit.service.live import live, settings_env
from tests.kit.store.stores import copied
from tests.kit.web.pages import SCREENS, Screen, check_page, opened

QUICK_CONNECT = "http://127.0.0.1:4003"
CLINICIAN = "555073103100"
LOG_IN = (
    "/oauth2/authorize?response_type=code&client_id=demo-user-app&scope=openid&state=s&nonce=n"
    "&redirect_uri=http://127.0.0.1:4567/callback"
)
PAGES = (
    *("/", "/accessibility", "/privacy", "/docs/none", LOG_IN, "/oauth2/authorize", "/oauth2/logout"),
    *("/_test/", "/_test/requests", "/_test/requests/1", "/_test/explain/1"),
    *("/_test/faults", "/_test/events", "/_test/webhooks", "/_test/cards"),
)
IN_A_FORK = (
    "/w/clinic/",
    f"/w/clinic{LOG_IN}",
    "/w/clinic/_test/",
    "/w/clinic/_test/requests",
    "/w/clinic/_test/events",
)


def _refused_faults(page: Page) -> None:
    page.get_by_label("Share of the calls").fill("many")
    page.get_by_role("button", name="Add fault").click()
    page.get_by_role("heading", name="There is a problem").wait_for()


def _refused_clock(page: Page) -> None:
    page.get_by_label("Days").fill("many")
    page.get_by_role("button", name="Advance clock").click()
    page.get_by_role("heading", name="There is a problem").wait_for()


def _advanced(page: Page) -> None:
    page.get_by_role("button", name="Advance clock").click()
    page.get_by_text("The clock of clinic advanced by 14 days").wait_for()


def _asked(page: Page) -> None:
    page.get_by_role("button", name="Reset world").click()
    page.get_by_role("heading", name="Reset world clinic?").wait_for()


def _asked_to_forget(page: Page) -> None:
    page.get_by_role("button", name="Delete calls").click()
    page.get_by_role("heading", name="Delete the stored calls").wait_for()


def _with_a_token(page: Page) -> None:
    page.get_by_role("button", name="Get a token").first.click()
    page.get_by_text("These calls work as they are").wait_for()


def _nobody_chosen(page: Page) -> None:
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="There is a problem").wait_for()


STATES = (
    *(("/_test/faults", _refused_faults), ("/_test/", _refused_clock), ("/w/clinic/_test/", _advanced)),
    *(("/w/clinic/_test/", _asked), ("/_test/requests", _asked_to_forget)),
    *(("/", _with_a_token), (LOG_IN, _nobody_chosen)),
)
"""Pages that follow a form: where it is, and how it is sent."""


@pytest.fixture(scope="module")
def address(keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Run a service with a fork and a refused call; return its address."""
    url = copied(sqlite_template, tmp_path_factory.mktemp("pages"))
    links = {"OPENERS_QUICK_CONNECT_URL": QUICK_CONNECT}
    with live({**settings_env(url, keys), **links}) as service:
        httpx.post(f"{service.base_url}/_test/worlds", json={"name": "clinic"}).raise_for_status()
        httpx.post(f"{service.base_url}/_test/worlds/clinic/snapshot", json={"name": "before"}).raise_for_status()
        httpx.post(f"{service.base_url}/_test/faults", json={"kind": "latency", "ms": 1}).raise_for_status()
        httpx.get(f"{service.base_url}/referrals/FHIR/R4/PractitionerRole")
        yield service.base_url


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("screen", SCREENS, ids=str)
def test_every_page_of_the_service_is_accessible_and_fits(address: str, browser: Browser, screen: Screen) -> None:
    with opened(browser, screen) as page:
        for path in (*PAGES, *IN_A_FORK):
            check_page(page, address + path)


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("screen", SCREENS[::3], ids=str)
def test_what_follows_a_form_is_accessible_and_fits(address: str, browser: Browser, screen: Screen) -> None:
    for path, send in STATES:
        with opened(browser, screen) as page:
            page.goto(address + path)
            send(page)
            check_page(page)


@pytest.mark.needs("chromium")
def test_the_person_who_logged_in_last_comes_first(address: str, browser: Browser) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.route("http://127.0.0.1:4567/**", lambda route: route.fulfill(body="Logged in"))
        page.goto(address + LOG_IN)
        page.get_by_label("Find a person").fill("doyle")
        page.get_by_label("Marek Doyle").check()
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("http://127.0.0.1:4567/callback?code=*")
        page.goto(f"{address}{LOG_IN}&prompt=login")
        assert "Marek Doyle" in page.locator(".nhsuk-radios__item").first.inner_text()


@pytest.mark.needs("chromium")
def test_the_list_of_calls_follows_new_calls(address: str, browser: Browser) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.goto(f"{address}/_test/requests")
        httpx.get(f"{address}/referrals/FHIR/STU3/CodeSystem/FOLLOWED")
        page.get_by_text("CodeSystem/FOLLOWED").wait_for()


def test_a_token_from_the_home_page_works(address: str) -> None:
    page = httpx.post(f"{address}/", data={"user": CLINICIAN}, headers={"Origin": address}).text
    found = re.search(r"Bearer ([A-Za-z0-9._-]{20,})", page)
    assert found
    reply = httpx.get(f"{address}/referrals/FHIR/R4/PractitionerRole", headers={"Authorization": f"Bearer {found[1]}"})
    assert reply.status_code == 200


def test_the_home_page_of_main_leads_to_quick_connect(address: str) -> None:
    page = {world: httpx.get(f"{address}{world}/", headers={"Accept": "text/html"}).text for world in ("", "/w/clinic")}
    assert f'href="{QUICK_CONNECT}"' in page[""]
    assert QUICK_CONNECT not in page["/w/clinic"]


@pytest.mark.parametrize(
    ("fields", "place", "cure"),
    [
        ({"kind": "latency", "share": "many"}, "share", "Give a number from 0 to 1"),
        ({"kind": "latency", "count": "0"}, "count", "Give a whole number of hits"),
        ({"kind": "latency", "ms": "-1"}, "ms", "Give a whole number of milliseconds"),
        ({"kind": "none"}, "kind", "Choose a kind"),
        ({}, "kind", "Choose a kind"),
    ],
)
def test_a_refused_fault_says_what_to_do(address: str, fields: dict[str, str], place: str, cure: str) -> None:
    reply = httpx.post(f"{address}/_test/faults", data={"act": "add", **fields})
    assert reply.status_code == 400
    assert re.search(rf'<a href="#{place}">\s*{cure}', reply.text)


def test_a_body_that_is_no_form_is_refused(address: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(f"{address}/_test/faults", content=b"kind=\xff\xfe", headers=form).status_code == 400
    assert httpx.post(f"{address}/_test/faults", content=b"a=1&" * 1000, headers=form).status_code == 400


def test_another_site_cannot_log_in_at_the_home_page(address: str) -> None:
    reply = httpx.post(f"{address}/", data={"user": CLINICIAN}, headers={"Origin": "http://foreign.example"})
    assert reply.status_code == 403
    assert "Bearer" not in reply.text


@pytest.mark.parametrize(("query", "accept"), [("?format=json", "text/html"), ("", "application/json")])
def test_programs_get_the_home_page_as_json(address: str, query: str, accept: str) -> None:
    told = httpx.get(f"{address}/{query}", headers={"Accept": accept}).json()
    assert told["status"] in {"pass", "warn"}
    assert told["base_url"] == address
    assert any(person["id"] == CLINICIAN for person in told["cast"]["people"])
    assert any("restricted" in patient["about"] for patient in told["cast"]["patients"])
    for link in told["links"].values():
        assert httpx.get(link, follow_redirects=True).status_code == 200


def test_an_act_that_deletes_is_confirmed_first(address: str) -> None:
    form = {"world": "clinic", "act": "reset", "value": ""}
    asked = httpx.post(f"{address}/_test/", data=form)
    assert asked.status_code == 200
    assert "This cannot be undone" in asked.text
    done = httpx.post(f"{address}/_test/", data={**form, "confirmed": "yes"})
    assert done.status_code == 303
    assert "reset" in done.headers["location"]


def test_pages_show_the_world_that_their_address_names(address: str) -> None:
    assert "World clinic," in httpx.get(f"{address}/w/clinic/_test/faults", headers={"Accept": "text/html"}).text
    assert httpx.get(f"{address}/w/unknown/_test/faults", headers={"Accept": "text/html"}).status_code == 404


@pytest.mark.needs("chromium")
def test_a_person_whom_the_filter_hides_is_not_logged_in(address: str, browser: Browser) -> None:
    with opened(browser, SCREENS[0]) as page:
        page.goto(address + LOG_IN)
        page.get_by_label("Castell").check()
        page.get_by_label("Find a person").fill("whitfield")
        assert page.get_by_label("Castell", exact=False).is_hidden()
        _nobody_chosen(page)
