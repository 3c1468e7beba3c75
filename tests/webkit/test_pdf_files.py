"""Documents to print: each sign that a person can send is printed, and nothing leaves the page."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

import pytest

from openers_web.pdf_files import LAST_LATIN, PUNCTUATION, pdf_bytes
from tests.kit.documents.pages import overhang, squeezed, text_of

TEMPLATE: Final = files("openers_portal").joinpath("content/assessment.typ")
AT: Final = datetime(2026, 11, 30, 9, tzinfo=UTC)
SHOWN: Final = "".join(filter(str.isprintable, map(chr, range(ord("!"), LAST_LATIN + 1)))) + "".join(PUNCTUATION)


@pytest.mark.parametrize(
    ("sent", "printed"), [(" ".join(SHOWN), SHOWN), ("\u8a31\x00", "U+8A31U+0000"), ("W" * 500, "W" * 500)]
)
def test_every_sign_is_printed_within_the_page(sent: str, printed: str) -> None:
    """A sign that no font has is printed as its code; a long word continues on the next line."""
    pdf = pdf_bytes(TEMPLATE, {"title": "T", "disclaimer": "D", "summary": sent, "groups": []}, AT)
    assert printed in squeezed(text_of(pdf)).replace("\u200b", "")
    assert overhang(pdf) < 1
