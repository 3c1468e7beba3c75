"""The assessment of a product: calls become states with links, statements complete them, and a sheet holds all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import anyio
import msgspec
import pdfua

from openers.testing import TestedService
from openers_assurance import Kind, requirements
from openers_client import Application, log_in
from openers_client.http import send
from openers_portal.assessments import Assessments
from openers_web.xlsx_files import xlsx_bytes
from tests.kit.documents.pages import squeezed, text_of
from tests.kit.web.walker import Walker
from tests.portal.conftest import GP, Enter, add_product, register
from tests.portal.test_endpoints import csr, endpoint_of

ROLE: Final = {"NHSD-End-User-Organisation-ODS": "D82106", "NHSD-eRS-Business-Function": "REFERRING_CLINICIAN"}
ASID: Final = "200000000001"
EVIDENCE: Final = "All requirements that apply were met in DEV1"


def product_of(walker: Walker, code: str, name: str) -> str:
    """Register a partner with a product; return the path of the product."""
    register(walker, f"{name} Software", code)
    return add_product(walker, f"{name} Desk")


def connected(walker: Walker, product: str, host: str) -> Application:
    """Return the application of a new endpoint of the product, with its secret."""
    walker.go(product)
    endpoint = endpoint_of(walker, host)
    walker.go(f"{endpoint}/certificate")
    walker.send("Get the certificate", request=csr(host))
    walker.go(endpoint)
    walker.follow("Make a secret")
    walker.send("Make a secret")
    secret = walker.text.partition("QUICKCONNECT_SECRET=")[2].split()[0]
    return Application(f"endpoint-{endpoint.rpartition('/')[2]}", secret=secret)


def _read(service: TestedService, application: Application, path: str, status: int) -> None:
    """Read a resource as the application of an endpoint."""
    caller = {**ROLE, "Authorization": f"Bearer {log_in(service.base_url, GP, application).access_token}"}
    assert send("GET", f"{service.base_url}/referrals/FHIR/STU3/{path}", None, caller).status == status


def _read_codes(service: TestedService, application: Application) -> None:
    _read(service, application, "CodeSystem/SPECIALTY", 200)


def test_a_product_is_assessed_by_its_calls(enter: Enter, tested: TestedService, tmp_path: Path) -> None:
    """Before its calls the page names scenarios; after them states, links and what a person must add."""
    walker = enter(GP)
    product = product_of(walker, "X27A", "Fell")
    walker.go(f"{product}/assurance")
    assert "no registered endpoint in DEV1" in walker.text
    assert "no approval by NHS England" in walker.text
    application = connected(walker, product, "fell.moor.example")
    walker.go(f"{product}/assurance")
    assert "A004-01: not seen" in walker.text
    assert "Read a code list (A004)." in walker.text
    _read_codes(tested, application)
    _read(tested, application, "ReferralRequest/000099999999", 404)
    walker.go(f"{product}/assurance?environment=DEV1")
    assert "A004-01: met" in walker.text
    assert "A005-02: not met" in walker.text
    assert "A004-02: statement needed" in walker.text
    assert "A001-01: not applicable" in walker.text
    assert f'href="{tested.base_url}/_test/explain/' in walker.reply.text
    walker.send("Store the statement", requirement="A004-02", applies="yes", text="\u8a31\u2013 #[x]")
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
    walker.go(f"{product}/assurance.pdf")
    printed = text_of(walker.reply.content)
    for told in (
        "no approval by NHS England",
        "Assessment of Fell Desk 1.0 in DEV1",
        "A004-02: met",
        "U+8A31 \u2013 #[x]",
    ):
        assert told in printed, told
    assert "A005/referrals/FHIR/STU3/ReferralRequest/000099999999404" in squeezed(printed).replace("\u200b", "")
    (path := tmp_path / "assessment.pdf").write_bytes(walker.reply.content)
    assert [str(each) for each in pdfua.validate(str(path)).findings] == []
    walker.go(f"{product}/assurance?environment=INT1")
    assert "no registered endpoint in INT1" in walker.text
    walker.go(f"{product}/assurance?environment=DEV1")
    walker.send("Begin a new assessment")
    assert "A new assessment has begun in DEV1" in walker.text
    assert "0 calls were assessed" in walker.text
    _read_codes(tested, application)
    walker.go(f"{product}/assurance?environment=DEV1")
    assert "1 calls were assessed" in walker.text
    assert "A005-02: not applicable" in walker.text


def _line(op: str, second: int, **facts: str) -> dict[str, Any]:
    """Return a line of the log that is about one request."""
    usual = {"ts": f"2026-03-02T09:00:{second:02}Z", "op": op, "asid": ASID, "user": GP, "ubrn": "000000070000"}
    return {**usual, "method": "GET", "status": 200, **facts}


class _Log:
    """An environment whose log has these pages; `shown` of them are there."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self._pages = [msgspec.json.Encoder().encode_lines(page) for page in pages]
        self.shown = 1

    async def exchanges(self, cursor: str) -> tuple[bytes, str]:
        """Return the page after the cursor."""
        number = int(cursor)
        return (self._pages[number], str(number + 1)) if number < self.shown else (b"", cursor)


def test_a_call_that_is_logged_late_is_judged_in_its_place() -> None:
    """A read that ends after the change which it precedes is in a later page; views between them see all calls."""
    log = _Log([_line("A005", 0, etag="5"), _line("A034", 4, method="POST", ifMatch="6")], [_line("A005", 3, etag="6")])

    async def views() -> list[tuple[int, int, int]]:
        assessments, found = Assessments({"DEV1": log}), list[tuple[int, int, int]]()  # pyright: ignore[reportArgumentType]  # only this method is used
        for log.shown in (1, 1, 2):
            seen = await assessments.of("DEV1", frozenset({ASID}))
            row = next(each for each in seen.assessment.rows() if each.id == "J-02")
            found.append((seen.assessment.count, row.kept, row.broken))
        return found

    assert anyio.run(views) == [(2, 0, 1), (2, 0, 1), (3, 1, 0)]


def test_an_unknown_environment_is_not_found(enter: Enter) -> None:
    """The page and the sheet of an environment that is not configured do not exist."""
    walker = enter(GP)
    product = product_of(walker, "X28A", "Tarn")
    for name in ("NONE", "%2e%2e", "dev1"):
        for address in (f"{product}/assurance?environment={name}", f"{product}/assurance.xlsx?environment={name}"):
            walker.go(address)
            assert walker.reply.status_code == 404, address


def test_compliance_needs_calls_and_statements(enter: Enter, tested: TestedService) -> None:
    """No reason excludes what calls must show; statements alone reach nothing; with calls the milestone is reached."""
    walker = enter(GP)
    product = product_of(walker, "X29A", "Beck")
    application = connected(walker, product, "beck.moor.example")
    walker.go(f"{product}/assurance")
    by_calls = [each.id for each in requirements().values() if each.kind is Kind.AUTOMATIC]
    for id in (by_calls[0], by_calls[-1]):
        walker.send("Store the statement", requirement=id, applies="no", text="It does not.")
        assert "Choose a requirement" in walker.text, id
    offered = walker.choices("requirement")
    assert set(offered) == set(requirements()) - set(by_calls)
    for id in offered:
        walker.send("Store the statement", requirement=id, applies="no", text="It does not.")
    for id in ("A004-02", "GTR-001", "LAL-001"):
        walker.send("Store the statement", requirement=id, applies="yes", text="It is shown.")
    assert "LAL-001: met" in walker.text
    walker.go(product)
    assert EVIDENCE not in walker.text
    _read_codes(tested, application)
    walker.go(f"{product}/assurance")
    walker.go(product)
    assert EVIDENCE in walker.text


def test_a_statement_is_stored_as_a_whole_or_not_at_all(enter: Enter) -> None:
    """Nothing is chosen beforehand, an empty text removes nothing, and a long one is not cut but shown again."""
    walker = enter(GP)
    product = product_of(walker, "X30A", "Gill")
    connected(walker, product, "gill.moor.example")
    walker.go(f"{product}/assurance")
    walker.send("Store the statement", requirement="A004-02", applies="yes", text="It is shown.")
    for sent, told in (
        ({"text": "Words"}, "Choose a requirement that a person completes"),
        ({"requirement": "A004-02", "text": "Words"}, "Choose what you state"),
        ({"requirement": "A004-02", "applies": "yes"}, "Write the statement, or the reason"),
        ({"requirement": "A004-02", "applies": "no", "text": " "}, "Write the statement, or the reason"),
        ({"requirement": "A004-02", "applies": "yes", "text": "x" * 2001}, "at most 2000 characters. There are 2001"),
    ):
        walker.go(f"{product}/assurance")
        assert "A004-02: A004 names the code list" in walker.text
        walker.send("Store the statement", **sent)
        assert told in walker.text, sent
        assert sent.get("text", "") in walker.reply.text
        assert "Statement: It is shown." in walker.text
    walker.go(f"{product}/assurance")
    walker.send("Store the statement", requirement="A004-02", applies="remove")
    assert "The statement on A004-02 is removed." in walker.text
    assert "Statement: It is shown." not in walker.text


def test_cells_of_a_sheet_are_text() -> None:
    """Markup is escaped, characters that XML forbids are left out, and equal rows make equal files."""
    rows = [("=1+1", "<a>&", "a\x00b\ud800")]
    with ZipFile(io.BytesIO(xlsx_bytes(rows))) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert '<c t="inlineStr"><is><t xml:space="preserve">=1+1</t></is></c>' in sheet
    assert "&lt;a&gt;&amp;" in sheet
    assert ">ab<" in sheet
    assert xlsx_bytes(rows) == xlsx_bytes(rows)
