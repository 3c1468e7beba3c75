"""The assessment of a product: calls become states with links, statements complete them, and a sheet holds all."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Final
from zipfile import ZipFile

from openers.testing import TestedService
from openers_client import Application, log_in
from openers_client.http import send
from openers_portal.rules.milestones import Event, Happening, milestones
from openers_web.xlsx_files import xlsx_bytes
from tests.portal.conftest import GP, Enter, add_product, register
from tests.portal.test_endpoints import csr, endpoint_of

ROLE: Final = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}


def _calls(service: TestedService, application: Application) -> None:
    """Read a code list with success, then a request that is not there, as the application of an endpoint."""
    caller = {**ROLE, "Authorization": f"Bearer {log_in(service.base_url, GP, application).access_token}"}
    base = f"{service.base_url}/referrals/FHIR/STU3"
    assert send("GET", f"{base}/CodeSystem/SPECIALTY", None, caller).status == 200
    assert send("GET", f"{base}/ReferralRequest/000099999999", None, caller).status == 404


def test_a_product_is_assessed_by_its_calls(enter: Enter, tested: TestedService) -> None:
    """Before its calls the page names scenarios; after them states, links and what a person must add."""
    walker = enter(GP)
    register(walker, "Fell Software", "X27A")
    product = add_product(walker, "Fell Desk")
    walker.go(f"{product}/assurance")
    assert "no registered endpoint in DEV1" in walker.text
    assert "no approval by NHS England" in walker.text
    walker.go(product)
    endpoint = endpoint_of(walker, "fell.moor.example")
    asid = endpoint.rpartition("/")[2]
    walker.go(f"{endpoint}/certificate")
    walker.send("Get the certificate", request=csr("fell.moor.example"))
    walker.go(endpoint)
    walker.follow("Make a secret")
    walker.send("Make a secret")
    application = Application(f"endpoint-{asid}", secret=walker.text.partition("QUICKCONNECT_SECRET=")[2].split()[0])
    walker.go(f"{product}/assurance")
    assert "A004-01: not seen" in walker.text
    assert "Read a code list (A004)." in walker.text
    _calls(tested, application)
    walker.go(f"{product}/assurance?environment=DEV1")
    assert "A004-01: met" in walker.text
    assert "A005-02: not met" in walker.text
    assert "A004-02: statement needed" in walker.text
    assert "A001-01: not applicable" in walker.text
    assert f'href="{tested.base_url}/_test/explain/' in walker.reply.text
    walker.send("Store the statement", requirement="A004-02", applies="yes", text="Expired codes are hidden.")
    assert "The statement on A004-02 is stored." in walker.text
    assert "A004-02: met" in walker.text
    walker.go(f"/api/v1{product}/assurance?environment=DEV1")
    rows = {row["id"]: row for row in walker.reply.json()["requirements"]}
    assert (rows["A004-02"]["state"], rows["A005-02"]["broken"]) == ("met", 1)
    walker.go(f"{product}/assurance.xlsx")
    with ZipFile(io.BytesIO(walker.reply.content)) as parts:
        content = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "no approval by NHS England" in content
    assert "A004-02" in content
    walker.go(f"{product}/assurance?environment=INT1")
    assert "no registered endpoint in INT1" in walker.text


def test_an_unknown_environment_is_not_found(enter: Enter) -> None:
    """The page and the sheet of an environment that is not configured do not exist."""
    walker = enter(GP)
    register(walker, "Tarn Software", "X28A")
    product = add_product(walker, "Tarn Desk")
    for name in ("NONE", "%2e%2e", "dev1"):
        for address in (f"{product}/assurance?environment={name}", f"{product}/assurance.xlsx?environment={name}"):
            walker.go(address)
            assert walker.reply.status_code == 404, address


def test_compliance_is_reached_by_its_event() -> None:
    """The milestone has the time and the evidence of the assessment."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    told = Event(kind=Happening.COMPLIANCE, at=at, by="computed", evidence="All requirements were met")
    reached = {each.name: each for each in milestones([told])}
    assert (reached["Compliance"].at, reached["Released"].at) == (at, None)
    assert "All requirements" in reached["Compliance"].evidence


def test_cells_of_a_sheet_are_text() -> None:
    """Markup is escaped, characters that XML forbids are left out, and equal rows make equal files."""
    rows = [("=1+1", "<a>&", "a\x00b\ud800")]
    with ZipFile(io.BytesIO(xlsx_bytes(rows))) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert '<c t="inlineStr"><is><t xml:space="preserve">=1+1</t></is></c>' in sheet
    assert "&lt;a&gt;&amp;" in sheet
    assert ">ab<" in sheet
    assert xlsx_bytes(rows) == xlsx_bytes(rows)
