"""From "I am interested" to "I am connected" on a fresh demo: one person, in a browser, with few pages and commands."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import Error as PlaywrightError

from openers_portal.rules import packs
from tests.kit.run.project import ROOT
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.demo import Demo, demo_of
from tests.kit.service.live import free_port
from tests.kit.web.pages import browser as browser
from tests.portal.conftest import GP, OPERATOR

pytestmark = pytest.mark.needs("bash", "chromium", "keytool", "openssl")
MOST_LOADS, MOST_COMMANDS = 40, 6
PORTAL_ABOVE: Final = 4
SEED: Final = 7
FQDN: Final = "desk.path.example"


class Person:
    """One person in a browser of their own. `loads` are the pages that they have loaded, `commands` what they typed."""

    def __init__(self, page: Page, loads: list[str]) -> None:
        self.page = page
        page.on("framenavigated", lambda frame: loads.append(frame.url) if frame == page.main_frame else None)

    def log_in(self, address: str, user: str) -> None:
        """Open a page, and log in as a person."""
        self.page.goto(address)
        if self.page.locator(f"[value='{user}']").count() == 0:  # more people than the page shows: search
            self.page.get_by_role("searchbox").first.fill(user)
            self.page.keyboard.press("Enter")
        self.page.locator(f"[value='{user}']").first.check()
        self.press("Log in")

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press the button of the page's own form."""
        self._click(self.page.locator("main").get_by_role("button", name=name, exact=isinstance(name, str)).first)

    def follow(self, name: str) -> None:
        """Follow the first link of the page's content that begins so."""
        self._click(self.page.locator("main a", has_text=re.compile(rf"^\s*{re.escape(name)}")).first)

    def _click(self, at: Locator) -> None:
        try:
            at.click()
        except PlaywrightError as error:
            raise AssertionError(f"{self.page.url}\n{self.page.locator('main').inner_text()}") from error
        self.page.wait_for_load_state()

    def fill(self, **values: str) -> None:
        """Fill in fields by their names."""
        for name, value in values.items():
            field = self.page.locator(f"main [name='{name}']").first
            if field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def check(self, name: str, value: str) -> None:
        """Choose a radio button or checkbox."""
        self.page.locator(f"main [name='{name}'][value='{value}']").check()

    def sees(self, text: str) -> None:
        """Wait for a text."""
        self.page.get_by_text(text).first.wait_for()


@contextmanager
def person(browser: Browser, loads: list[str]) -> Generator[Person]:
    """Provide a browser of a person."""
    context = browser.new_context(accept_downloads=True)
    context.set_default_timeout(HANGS_AFTER_S * 1000)
    yield Person(context.new_page(), loads)
    context.close()


def test_one_person_connects_a_product_alone(browser: Browser, tmp_path: Path) -> None:
    """Register, card, own key, certificate, Test PAS, Quick Connect from the zip, refer, book, review, incident."""
    loads, commands = list[str](), list[str]()
    with demo_of(ROOT / ".venv/bin/openers", tmp_path) as demo, person(browser, loads) as supplier:
        portal = re.sub(r":(\d+)$", lambda found: f":{int(found[1]) + PORTAL_ABOVE}", demo.base_url)
        product = _registers(supplier, portal)
        card = _gets_pack_and_card(supplier, product)
        _gets_certificate(supplier, product, tmp_path, commands)
        _links_service(supplier, product)
        with _quick_connect(demo, tmp_path, commands) as address:
            with person(browser, loads) as referrer:
                number = _refers_and_books(referrer, address, card)
            with person(browser, loads) as consultant:
                _reviews(consultant, address, number)
        with person(browser, []) as agent:
            _raises_and_closes(supplier, agent, portal, product)
        supplier.page.goto(product)
        supplier.sees("Connected: reached on")
    shown = "\n".join([*loads, *commands])
    assert len(loads) <= MOST_LOADS, f"{len(loads)} pages\n{shown}"
    assert len(commands) <= MOST_COMMANDS, shown


def _registers(supplier: Person, portal: str) -> str:
    """Register a partner and a product; return the address of the product."""
    supplier.log_in(f"{portal}/partners/register", GP)
    supplier.fill(name="Path Systems", code="X26PA", address="1 Mill Lane", email="ada@path.example")
    supplier.check("consents", "terms")
    supplier.press("Register")
    supplier.follow("Register a product")
    supplier.fill(name="Path Desk", version="1.0")
    supplier.press("Register")
    return supplier.page.url


def _gets_pack_and_card(supplier: Person, product: str) -> str:
    """Make a test pack, and get a card of a referrer at its practice; return the number of the card."""
    partner = product.partition("/products/")[0]
    supplier.page.goto(f"{partner}/packs/new")
    supplier.fill(seed=str(SEED))
    supplier.press("Make the pack")
    supplier.sees("The pack is made.")
    supplier.page.goto(f"{partner}/cards/new")
    supplier.fill(names="Pat Path", organisation=packs.practice(SEED))
    supplier.check("roles", "REFERRING_CLINICIAN")
    supplier.press("Get the cards")
    supplier.sees("The cards are issued.")
    return supplier.page.locator("main table a").first.inner_text()


def _gets_certificate(supplier: Person, product: str, folder: Path, commands: list[str]) -> None:
    """Register an endpoint, have a request of an own key signed, and unpack the files."""
    supplier.page.goto(f"{product}/endpoints/new")
    supplier.fill(fqdn=FQDN, organisation=packs.practice(SEED))
    supplier.press("Register")
    supplier.follow("Get a certificate")
    openssl = next(each for each in supplier.page.locator("main pre, main code").all_inner_texts() if "-newkey" in each)
    _run(openssl.strip().split("\n")[0], folder, commands)
    supplier.fill(request=(folder / f"{FQDN}.csr").read_text())
    supplier.press("Get the certificate")
    supplier.sees("The certificate is issued and registered.")
    with supplier.page.expect_download() as download:
        supplier.page.locator("main").get_by_role("button", name="Download the files").click()
    download.value.save_as(folder / "files.zip")
    _run("python3 -m zipfile -e files.zip .", folder, commands)
    _run(
        f"openssl pkcs12 -export -in {FQDN}.crt -inkey {FQDN}.key -out {FQDN}.p12 -passout pass:changeit",
        folder,
        commands,
    )
    java = f"-destkeystore {FQDN}.jks -deststoretype JKS -srcstorepass changeit -deststorepass changeit"
    _run(f"keytool -importkeystore -srckeystore {FQDN}.p12 -srcstoretype PKCS12 {java}", folder, commands)
    settings: Any = yaml.safe_load((folder / "application.yml").read_text())
    settings["application"] |= {"key-file": f"{FQDN}.jks", "key-password": "${QUICKCONNECT_KEY_PASSWORD}"}
    (folder / "application.yml").write_text(yaml.safe_dump(settings))
    (folder / "password.txt").write_text("changeit\n")


def _links_service(supplier: Person, product: str) -> None:
    supplier.page.goto(f"{product.partition('/products/')[0]}/pas")
    supplier.fill(service=packs.services(SEED)[0]["id"])
    supplier.press("Link it")
    supplier.sees("is linked to the Test PAS.")
    supplier.sees("Referrers see it")
    assert supplier.page.locator("main tbody tr").count() == 5


@contextmanager
def _quick_connect(demo: Demo, folder: Path, commands: list[str]) -> Generator[str]:
    """Start Quick Connect by the script of the files; return its address."""
    port = free_port()
    words = ["sh", "runme.sh", "serve", "--port", str(port)]
    commands.append(" ".join(words))
    environment = demo.environment | {"PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"}
    log = folder / "quickconnect.log"
    with log.open("w") as told:
        process = subprocess.Popen(words, cwd=folder, env=environment, stdout=told, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: _answers(address, process, log), log.read_text)
        yield address
    finally:
        process.terminate()
        process.wait(HANGS_AFTER_S)


def _answers(address: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return httpx.get(f"{address}/health").status_code == 200
    except httpx.TransportError:
        return False


def _refers_and_books(referrer: Person, address: str, card: str) -> str:
    """Log in with the card, refer a patient of the pack and book the first slot; return the UBRN."""
    odd = {each.nhs_number for each in packs.odd(SEED)}
    patient = next(
        each["nhs_number"]
        for each in packs.patients(SEED)
        if each["nhs_number"] not in odd and "1950" < each["born"] < "2000"
    )
    referrer.log_in(address, card)
    page = referrer.page
    page.get_by_role("heading", name="Your work").first.wait_for()
    page.goto(f"{'/'.join(page.url.split('/')[:5])}/patients")
    referrer.fill(number=patient)
    referrer.press("Find")
    referrer.follow("Refer or ask for advice")
    referrer.check("type", "APPOINTMENT_REQUEST")
    referrer.fill(specialty="CARDIOLOGY")
    referrer.press("Continue")
    referrer.fill(clinic="HEART_FAILURE")
    referrer.press("Find services")
    page.locator(f"#s{packs.services(SEED)[0]['id']}").check()
    referrer.press("Continue")
    referrer.check("letter", "NOT_INTENDING_TO_ADD")
    referrer.check("action", "book")
    referrer.press("Create the referral")
    referrer.press(re.compile("book on"))
    referrer.press("Book this appointment")
    referrer.sees("The appointment is booked.")
    found = re.search(r"/referrals/(\d{12})", page.url)
    assert found is not None
    return found[1]


def _reviews(consultant: Person, address: str, number: str) -> None:
    consultant.log_in(address, packs.people(SEED)[4]["id"])
    page = consultant.page
    page.get_by_role("heading", name="Your work").first.wait_for()
    page.goto(f"{'/'.join(page.url.split('/')[:5])}/referrals/{number}/review")
    consultant.check("decision", "accept")
    consultant.press("Save the decision")
    consultant.sees("Accepted: ")


def _raises_and_closes(supplier: Person, agent: Person, portal: str, product: str) -> None:
    """Raise an incident, let an agent resolve it, and close it."""
    partner = product.partition("/products/")[0]
    supplier.page.goto(f"{partner}/cases/new")
    supplier.check("kind", "incident")
    supplier.fill(title="A slot is missing", text="None on Monday.")
    supplier.press("Send to the desk")
    case = supplier.page.url
    agent.log_in(f"{portal}/desk/{case.rpartition('/')[2]}", OPERATOR)
    agent.fill(text="It is there now.")
    agent.press("Resolve")
    supplier.page.goto(case)
    supplier.press("Close: it works")
    supplier.sees("The case is closed.")


def _run(command: str, folder: Path, commands: list[str]) -> None:
    """Run a command as the person types it."""
    commands.append(command)
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
