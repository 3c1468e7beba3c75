"""Documents: their texts, the signature of a manager with name, time and digest, and the PDF."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Final

import anyio
import pytest

from openers_portal.printing import printed
from openers_portal.rules.documents import Signature, document, documents, latest
from openers_portal.store.portal_store import PortalStore
from openers_portal.store.signatures import AlreadySigned
from tests.portal.conftest import GP, OPERATOR, Enter, register

NOW: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
CLERK: Final = "555032006103"
TEXTS: Final = {
    ("connection-agreement", "1.0"): "15fa9a54d06ad3da2330fbc4919808e08f291a8a8a2831a07ee22507180afebb",
    ("end-user-policy", "1.0"): "f3e166e438ec66d77a14de11ee3f56b28c4dad619ae12e1180e612c122507708",
    ("data-sharing", "1.0"): "d7d88efd5179b874291ef2a0982e9028dfa9af20aa656d79a9a8189a844fac7a",
    ("special-terms", "1.0"): "251d070508385f8f33297b0db0f6462ce3613c4f0b70eb1479b17ebb4e9ad80c",
}
"""The digest of each text. Partners have signed them: change none, and add a new version in the file instead."""


def _signature(sha256: str = "0" * 64, name: str = "Ada") -> Signature:
    return Signature(
        document="special-terms", version="1.0", sha256=sha256, name=name, subject="1", role="manager", at=NOW
    )


def test_no_text_changes_under_its_version() -> None:
    assert {(each.id, each.version): each.sha256 for each in documents()} == TEXTS


def test_a_manager_signs_and_downloads(enter: Enter) -> None:
    person = enter(GP)
    path = register(person, "Sign Systems", "X26SG")
    person.follow("Documents")
    assert person.text.count("not signed") == len(latest())
    person.follow("Data Sharing Arrangement")
    assert "Independent controllers" in person.text
    person.send("Sign")
    assert "Confirm that you may sign for the organisation" in person.text
    person.send("Sign", agree="yes", sha256="0" * 64)
    assert "The text has changed since you opened it" in person.text
    place = f"{path}/documents/data-sharing"
    person.go(place)
    person.send("Sign", agree="yes")
    assert "The document is signed." in person.text
    assert "Sign" not in person.buttons
    person.go(f"/api/v1{place}")
    told = person.reply.json()["signature"]
    found = document("data-sharing")
    assert found is not None
    assert (told["subject"], told["role"], told["sha256"]) == (GP, "manager", found.sha256)
    person.go(f"{place}/pdf")
    assert person.reply.headers["content-type"] == "application/pdf"
    assert person.reply.content.startswith(b"%PDF-")
    person.go(f"{path}/documents/other")
    assert person.reply.status_code == 404


def test_a_developer_reads_and_does_not_sign(enter: Enter) -> None:
    manager, developer, operator = enter(GP), enter(CLERK), enter(OPERATOR)
    path = register(manager, "Read Systems", "X26SR")
    manager.go(f"{path}/people")
    manager.send("Save", subject=CLERK, name="Cleo", role="developer")
    for reader in (developer, operator):
        reader.go(f"{path}/documents/special-terms")
        assert "A manager of the organisation signs it" in reader.text
        reader.post(f"{path}/documents/special-terms/signature", agree="yes")
        assert reader.reply.status_code == 403
    manager.go(f"{path}/documents/special-terms")
    assert "Sign" in manager.buttons


@pytest.mark.anyio
async def test_the_first_signature_of_a_version_stays(empty_url: str) -> None:
    store = PortalStore(empty_url, (), lambda: NOW)
    await store.open()
    refused = list[str]()

    async def _sign(name: str) -> None:
        try:
            await store.signatures.add("p", _signature(name=name))
        except AlreadySigned:
            refused.append(name)

    async with anyio.create_task_group() as tasks:
        for name in ("Ada", "Ben", "Cleo"):
            tasks.start_soon(_sign, name)
    assert len(refused) == 2
    assert {each.name for each in await store.signatures.of_partner("p")} == {"Ada", "Ben", "Cleo"} - {*refused}
    assert await store.signatures.of_partner("other") == []
    await store.close()


def test_the_print_has_text_and_signature_whatever_the_name() -> None:
    """A name with signs that no font has is printed too: PDF/UA refuses a missing sign."""
    found = document("special-terms")
    assert found is not None
    for name in ("Ada #Moor *_$", "Ağça Öz", "李 🩺\x07"):
        assert printed(found, name, _signature(name=name)).startswith(b"%PDF-")
    assert printed(found, "Moor", None).startswith(b"%PDF-")
    once, again = (printed(found, "Moor", _signature()) for _ in range(2))
    assert once == again


def test_without_a_printer_the_reason_is_told(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    person = enter(GP)
    path = register(person, "Print Systems", "X26SP")
    monkeypatch.setitem(sys.modules, "typst", None)
    person.go(f"{path}/documents/special-terms/pdf")
    assert "its operator installs openers[documents]" in person.text
