"""Printed documents contain all their text, tagged and in reading order, for any input."""

from __future__ import annotations

import asyncio
import re
from itertools import pairwise
from pathlib import Path

import pdfua
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openers.domain.errors import Unavailable
from openers.paper.typesetter import TypstTypesetter
from openers.usecases.ports.paper import Document, LetterKind
from tests.documents.samples import MADE, conversation, every, letter, summary
from tests.kit.documents.pages import metadata_of, overhang, page_count, root_of, squeezed, tags_of, text_of

MARKUP = '#panic("x") *b* _i_ = h $x^2$ `raw` <l> @ref \\u{41} // c /* d */ [e] #{1+1} https://a.example ~ -- "q"'
SCRIPTS = (
    "Łukasz Żółć",
    "Nguyễn Thị Ánh",
    "Ελένη Παπαδοπούλου",
    "Дмитрий Щербаков",
    "山田太郎",
    "王小明",
    "김철수",
    "ສົມສັກ",
    "አበበ",
    "გიორგი",
    "Արամ",
    "😀🎉",
)
KINDS = sorted(every(""))


@pytest.fixture(scope="module")
def typesetter() -> TypstTypesetter:
    return TypstTypesetter()


def printed(typesetter: TypstTypesetter, document: Document) -> bytes:
    return asyncio.run(typesetter.pdf(document, MADE))


@pytest.mark.parametrize("kind", KINDS)
def test_an_independent_checker_finds_nothing(typesetter: TypstTypesetter, kind: str, tmp_path: Path) -> None:
    """An independent checker finds no violation of the sixteen PDF/UA-1 rules that it covers."""
    path = tmp_path / "document.pdf"
    path.write_bytes(printed(typesetter, every("Mill Lane")[kind]))
    report = pdfua.validate(str(path))
    assert [str(each) for each in report.findings] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_says_what_it_is(typesetter: TypstTypesetter, kind: str) -> None:
    """A document has title, language and tags; viewers show its title instead of the file name."""
    document = every("Mill Lane")[kind]
    pdf = printed(typesetter, document)
    root = root_of(pdf)
    assert metadata_of(pdf)["/Title"] == document.title
    assert metadata_of(pdf)["/CreationDate"].startswith("D:20300701120000")
    assert root["/Lang"] == "en-GB"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]


@pytest.mark.parametrize("kind", KINDS)
def test_headings_begin_at_the_top_and_leave_none_out(typesetter: TypstTypesetter, kind: str) -> None:
    levels = [
        int(role[1]) for _, role in tags_of(printed(typesetter, every("Mill Lane")[kind])) if re.match("H[1-6]", role)
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_a_summary_is_read_in_order(typesetter: TypstTypesetter) -> None:
    """A summary reads from the patient to the provider's review.

    Files are a table with headings, and labels belong to their values.
    """
    pdf = printed(typesetter, summary())
    places = [
        text_of(pdf).index(each) for each in ("LARKIN, Ada", "UBRN information", "Address", "Attachments", "Review")
    ]
    assert places == sorted(places)
    roles = [role for _, role in tags_of(pdf)]
    assert (roles.count("H1"), roles.count("TH"), roles.count("TD")) == (1, 8, 8)
    assert roles.count("Lbl") == roles.count("LBody") == 5


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_confidential_and_numbered(typesetter: TypstTypesetter, kind: str) -> None:
    pdf = printed(typesetter, every("Mill Lane\n" * 60)[kind])
    pages, text = page_count(pdf), text_of(pdf)
    assert pages > 1
    assert text.count("CONFIDENTIAL PATIENT INFORMATION") == pages
    assert all(f"Page {number} of {pages}" in text for number in range(1, pages + 1))


def test_later_pages_of_a_summary_say_whom_they_are_about(typesetter: TypstTypesetter) -> None:
    pdf = printed(typesetter, summary("line\n" * 100))
    assert text_of(pdf).count("LARKIN, Ada") == page_count(pdf)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [MARKUP, *SCRIPTS])
def test_what_people_write_is_printed_as_they_wrote_it(typesetter: TypstTypesetter, kind: str, text: str) -> None:
    found = squeezed(text_of(printed(typesetter, every(text)[kind])))
    assert squeezed(text) in found


@pytest.mark.parametrize(
    "text", ["مرحبا بالعالم", "שלום עולם", "नमस्ते दुनिया", "வணக்கம்", "\U00013000\ue000", "e\u20dd a\u0651"]
)
def test_what_readers_put_in_another_order_is_there(typesetter: TypstTypesetter, text: str) -> None:
    """Right-to-left scripts and scripts with combined characters lose no character."""
    with_it = squeezed(text_of(printed(typesetter, summary(text))))
    assert len(with_it) > len(squeezed(text_of(printed(typesetter, summary("")))))
    assert "\ufffd" not in with_it


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["x" * 10_000, "word " * 2_000, "長" * 3_000, "م" * 2_000, "a\n" * 1_000])
def test_long_texts_break_and_nothing_of_them_is_cut(typesetter: TypstTypesetter, kind: str, text: str) -> None:
    found = squeezed(text_of(printed(typesetter, every(text)[kind])))
    sign = squeezed(text)[0]
    assert found.count(sign) >= text.count(sign)


@pytest.mark.parametrize("width", [20, 60, 200])
def test_no_line_leaves_the_page(typesetter: TypstTypesetter, width: int) -> None:
    """Names without a space are broken, also in a narrow column."""
    assert overhang(printed(typesetter, summary("W" * width, name="W" * width))) < 0.95


@given(st.text(st.characters(codec=None), max_size=60))
@example("a\u0651\u0301\u20dd")
@example("\u0b95\u0bcd\u200d\u0600")
@settings(max_examples=60, deadline=None)
def test_no_text_is_an_error(text: str) -> None:
    """Any Unicode text can be printed, even an invalid one."""
    for document in (summary(text, name=text), conversation(text), letter(LetterKind.REQUEST, text)):
        assert printed(_SHARED, document).startswith(b"%PDF")


_SHARED = TypstTypesetter()


def test_signs_that_no_font_has_together_are_spelled_out(typesetter: TypstTypesetter) -> None:
    assert "e[U+0651]" in text_of(printed(typesetter, summary("e\u0651")))


def test_a_document_too_many_is_told_to_come_back() -> None:
    """If two documents are already waiting, a third is refused as unavailable, and the two are printed."""
    typesetter = TypstTypesetter(most_waiting=2)

    async def crowd() -> list[bytes | BaseException]:
        return await asyncio.gather(*(typesetter.pdf(letter(), MADE) for _ in range(3)), return_exceptions=True)

    first, second, third = asyncio.run(crowd())
    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert isinstance(third, Unavailable)
    assert asyncio.run(typesetter.pdf(letter(), MADE)) == first


def test_the_loop_goes_on_meanwhile() -> None:
    """The typesetter's thread releases the interpreter, so the event loop continues during a document."""

    async def turns() -> int:
        making = asyncio.ensure_future(TypstTypesetter().pdf(summary("word " * 5_000), MADE))
        turn = 0
        while not making.done():
            await asyncio.sleep(0)
            turn += 1
        return turn

    assert asyncio.run(turns()) > 100
