"""The hazard log of a product: pre-filled, answered by its partner, and part of each download of the assessment."""

from __future__ import annotations

import io
from typing import Final
from zipfile import ZipFile

from tests.kit.documents.pages import text_of
from tests.portal.conftest import GP, Enter
from tests.portal.test_assurance import connected, product_of

ANSWERED: Final = {"controls": "Lengths are compared.", "likelihood": "High", "severity": "Major", "status": "Open"}
MISSING: Final = ("Answer: Further controls", "Answer: Likelihood with all controls", "Answer: Owner of the risk")


def test_a_partner_completes_the_log_and_downloads_it(enter: Enter) -> None:
    """Answers are checked, stored as a whole, replaced, and exported."""
    walker = enter(GP)
    product = product_of(walker, "X31A", "Force")
    walker.follow("Hazard log")
    assert "no approval by NHS England" in walker.text
    assert walker.text.count("Not assessed") == 17
    walker.follow("H14: A referral is downloaded in part")
    assert "A006-02" in walker.text
    walker.send("Store the answers", **{**ANSWERED, "likelihood": ""})
    assert "Answer: Likelihood with them" in walker.text
    assert "Lengths are compared." in walker.reply.text
    walker.send("Store the answers", **{**ANSWERED, "status": "Controlled"})
    assert [each for each in MISSING if each not in walker.text] == []
    walker.go(f"/api/v1{product}/hazards/H14")
    assert walker.reply.json()["entry"]["status"] == "Not assessed"
    walker.go(f"{product}/hazards/H14")
    for controls in ("Nothing", ANSWERED["controls"]):
        walker.go(f"{product}/hazards/H14")
        walker.send("Store the answers", **{**ANSWERED, "controls": controls})
        assert "The answers about H14 are stored." in walker.text
    walker.go(f"{product}/hazards/H14")
    assert "Risk 4 of 5." in walker.text
    connected(walker, product, "force.moor.example")
    walker.go(f"{product}/assurance.xlsx?environment=DEV1")
    with ZipFile(io.BytesIO(walker.reply.content)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    walker.go(f"{product}/assurance.pdf?environment=DEV1")
    for content in (sheet, text_of(walker.reply.content)):
        assert "Lengths are compared." in content
        assert "The smartcard is removed while a user works" in content
    walker.go(f"/api/v1{product}/assurance?environment=DEV1")
    assert walker.reply.json()["hazards"][13]["risk"] == 4
    walker.go(f"{product}/hazards/H99")
    assert walker.reply.status_code == 404
