"""The operations that the real service lacks, X001 to X007, are marked as extensions in every list (ADR 0035)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kit.service.running import Running

pytestmark = pytest.mark.anyio
OWN = {
    "openers.sendCommunicationToProvider": "X001",
    "openers.closeAdviceAndGuidance": "X002",
    "openers.findNames": "X003",
    "openers.find": "X004",
    "openers.requests": "X005",
    "openers.overviews": "X006",
}
READ_BY_GET = {"openers.history": "X007"}
"""A statement of STU3 declares operations that are posted only."""


async def test_the_capability_statement_lists_them_last_and_marked(shared: Running) -> None:
    told: Any = (await shared.pages().get("/referrals/FHIR/STU3/metadata")).json()
    operations = told["rest"][0]["operation"]
    assert [each["name"] for each in operations[-len(OWN) :]] == list(OWN)
    for each in operations:
        marked = "(OpenERS extension)" in each["definition"]["display"]
        assert (marked, each["name"] in OWN) in ((True, True), (False, False))
    for each in operations[-len(OWN) :]:
        assert each["definition"]["display"].startswith(f"{OWN[each['name']]} (OpenERS extension): ")


async def test_the_openapi_document_has_them_under_a_heading_of_their_own(shared: Running) -> None:
    told: Any = (await shared.pages().get("/referrals/openapi.json")).json()
    for path, methods in told["paths"].items():
        for operation in methods.values():
            assert ("OpenERS extensions" in operation["tags"]) == ("$openers." in path), path


def test_their_pages_say_so_first(pytestconfig: pytest.Config) -> None:
    pages = pytestconfig.rootpath / "docs/operations"
    for page in sorted(pages.glob("*.md")):
        _, lead, *_ = page.read_text("utf-8").split("\n\n")
        assert ("**Ours: the real service has no such operation" in lead) == page.name.startswith("x"), page.name
    assert {Path(each).stem for each in pages.glob("x*.md")} == {each.lower() for each in (OWN | READ_BY_GET).values()}
