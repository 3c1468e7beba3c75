"""Every letter of a document is readable: none overlaps another, and none is off the page."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openers.paper.typesetter import TypstTypesetter
from openers.usecases.ports.paper import Document, LetterKind
from tests.documents.layout import off_the_page, overprinted
from tests.documents.samples import MADE, every, filled, letter
from tests.kit.documents.pages import text_of

TYPESETTER: Final = TypstTypesetter()
KINDS: Final = sorted(every(""))
TEXTS: Final = {
    "empty": "",
    "one letter": "i",
    "a name without a space": "W" * 105,
    "capitals below the limit of any one word": " ".join("W" * length for length in range(3, 40)),
    "many words": "Wonderful Mill Lane " * 12,
    "many lines": "Mill Lane\n" * 9,
    "a long address": "https://mill.example/" + "lane-" * 40,
    "Vietnamese": "Nguyễn Thị Ánh Nguyệt " * 4,
    "stacked marks": "e\u0323\u0302\u0301o\u031b\u0309" * 30,
    "Chinese": "長" * 120,
    "Korean": "김철수" * 30,
    "Arabic": "مرحبا بالعالم " * 8,
    "Arabic without a space": "مرحبا" * 24,
    "the widest letter": "\ufdfd" * 12,
    "Hebrew and English": "שלום Mill עולם Lane 12 " * 6,
    "Hindi": "नमस्ते दुनिया श्रीमती " * 6,
    "Tamil": "வணக்கம்ஶ்ரீ" * 12,
    "Thai": "ที่นี่น้ำปั้น" * 12,
    "Khmer": "ភាសាខ្មែរ " * 12,
    "Burmese": "မြန်မာဘာသာ " * 12,
    "Amharic": "አበበ " * 20,
    "emoji": "😀👩‍👩‍👧🇬🇧" * 20,
    "signs that no font has": "\U00013000\ue000" * 20,
}
ANYTHING: Final = st.text(st.characters(codec=None), max_size=80)


def printed(document: Document) -> bytes:
    """Return the document as PDF."""
    return asyncio.run(TYPESETTER.pdf(document, MADE))


def check(document: Document) -> None:
    """Assert that the printed document has no overlapping characters and none off the page."""
    pdf = printed(document)
    assert overprinted(pdf) == []
    assert off_the_page(pdf) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", TEXTS)
def test_every_field_may_hold_any_text(kind: str, name: str) -> None:
    check(filled(every("x")[kind], TEXTS[name], 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [2, 7])
def test_there_may_be_any_number_of_everything(kind: str, times: int) -> None:
    check(filled(every("x")[kind], "Mill Lane Surgery", times))


@pytest.mark.parametrize("kind", ["summary", "conversation"])
def test_there_may_be_nothing_of_anything(kind: str) -> None:
    """A summary and a conversation may have empty lists; a letter always has a clinic."""
    check(filled(every("x")[kind], "Mill Lane Surgery", 0))


@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize("lines", [0, 1, 5, 6, 9, 60])
def test_an_address_has_as_many_lines_as_it_needs(kind: LetterKind, lines: int) -> None:
    """The date is below the last line of the address, whatever the height of the letterhead."""
    address = tuple(f"Address line {number}" for number in range(lines))
    check(msgspec.structs.replace(letter(kind), address=address))
    check(msgspec.structs.replace(letter(kind), address=address, sender=address * 2))


def test_a_window_envelope_shows_a_usual_address() -> None:
    """The text below an address is the same for one line and for six."""
    usual = [msgspec.structs.replace(letter(), address=("Line",) * lines) for lines in (1, 6)]
    below = [text_of(printed(each)).partition("1 July 2030")[2] for each in usual]
    assert below[0] == below[1]


@settings(max_examples=25, deadline=None)
@given(text=ANYTHING, kind=st.sampled_from(KINDS))
@example(text="\ufdfd" * 20, kind="summary")
def test_any_text_at_all(text: str, kind: str) -> None:
    check(filled(every("x")[kind], text, 1))
