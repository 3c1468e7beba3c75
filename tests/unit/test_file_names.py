"""Names and types of files: each refusal has its reason, and a name passes through headers unchanged."""

from __future__ import annotations

import re
import unicodedata
from email.header import Header
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.files.samples import SAMPLES

from openers.api.http.media import disposition, file_name_of
from openers.domain.errors import ConflictingValues, FieldRefused, InappropriateValue, InvalidValue, MissingValue
from openers.domain.fields import Field
from openers.domain.file_types import check_file, same_name

PDF = "application/pdf"
VISIBLE = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Cn"), exclude_characters="/\\")
STEMS = st.text(VISIBLE, min_size=1, max_size=60).filter(lambda stem: stem == stem.strip() and not stem.startswith("."))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda each: each.name)
def test_every_extension_goes_with_its_type_in_any_case(sample: tuple[str, str, bytes]) -> None:
    name, media_type, _ = sample
    check_file(name, media_type)
    check_file(name.upper(), media_type)


@pytest.mark.parametrize(
    ("one", "two"), [("letter.pdf", "letter2.pdf"), ("e.pdf", "\u00e9.pdf"), ("a b.pdf", "ab.pdf"), ("a.txt", "a.pdf")]
)
def test_names_that_read_differently_are_different(one: str, two: str) -> None:
    assert same_name(one) != same_name(two)


@settings(max_examples=200)
@given(stem=STEMS)
def test_a_name_is_the_same_in_every_form(stem: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        written = unicodedata.normalize(form, stem)  # pyright: ignore[reportArgumentType]  # each is a form
        assert same_name(written) == same_name(stem) == same_name(same_name(stem))


@settings(max_examples=200)
@given(stem=STEMS)
def test_any_name_that_can_be_read_is_taken(stem: str) -> None:
    check_file(f"{stem}.pdf", PDF)


REFUSED: tuple[tuple[str, str, type[FieldRefused], Field], ...] = (
    ("", PDF, MissingValue, Field.FILE_NAME),
    ("x" * 252 + ".pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("x" * 10_000 + ".pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("../../etc/passwd.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("..\\..\\boot.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("/etc/passwd.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("C:\\letter.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("..pdf", PDF, InvalidValue, Field.FILE_NAME),
    (".pdf", PDF, InvalidValue, Field.FILE_NAME),
    (" letter.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("letter.pdf ", PDF, InvalidValue, Field.FILE_NAME),
    ("letter\0.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("letter\r\nX: y.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("letter\u202efdp.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("let\u200bter.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("letter\u2028.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("letter\ud800.pdf", PDF, InvalidValue, Field.FILE_NAME),
    ("letter.html", "text/html", InappropriateValue, Field.FILE_TYPE),
    ("letter.exe", "application/octet-stream", InappropriateValue, Field.FILE_TYPE),
    ("letter.pdf", "application/x-pdf", InappropriateValue, Field.FILE_TYPE),
    ("letter.pdf", "*/*", InappropriateValue, Field.FILE_TYPE),
    ("letter.txt", PDF, ConflictingValues, Field.FILE_NAME),
    ("letter.pdf.exe", PDF, ConflictingValues, Field.FILE_NAME),
    ("letter", PDF, ConflictingValues, Field.FILE_NAME),
    ("pdf", PDF, ConflictingValues, Field.FILE_NAME),
    ("letter.pdf.", PDF, ConflictingValues, Field.FILE_NAME),
    ("letter.docx", "application/msword", ConflictingValues, Field.FILE_NAME),
)


@pytest.mark.parametrize(("name", "media_type", "error", "field"), REFUSED, ids=range(len(REFUSED)))
def test_a_name_or_type_that_is_refused(name: str, media_type: str, error: type[FieldRefused], field: Field) -> None:
    with pytest.raises(error) as refused:
        check_file(name, media_type)
    assert refused.value.field is field


def test_a_name_may_have_255_characters() -> None:
    check_file("x" * 251 + ".pdf", PDF)
    check_file("\U0001f600" * 251 + ".pdf", PDF)


# -------------------------------------------------------------------------------------------------------------- headers


def told_of(header: bytes) -> str:
    """Return the name that a reader of RFC 6266 takes from a `Content-Disposition` header."""
    found = re.fullmatch(r"attachment; filename=\"([^\"\\]*)\"; filename\*=UTF-8''(\S*)", header.decode("ascii"))
    assert found is not None, header
    return unquote(found[2], errors="strict")


@settings(max_examples=300)
@given(name=st.text(VISIBLE, max_size=60) | st.text(st.characters(exclude_categories=("Cs",)), max_size=60))
def test_a_disposition_tells_the_name_and_nothing_else(name: str) -> None:
    """Any name is read back unchanged, and the header has one line and no further parameter."""
    header = disposition(name)
    assert told_of(header) == name
    assert not set(header) & {10, 13, 0}


def test_a_disposition_has_a_plain_name_for_readers_that_know_no_other() -> None:
    assert disposition("Blood test, 3 May.pdf").startswith(b'attachment; filename="Blood test, 3 May.pdf"; ')
    assert disposition('a"; filename="b.exe').startswith(b'attachment; filename="a__ filename=_b.exe"; ')


@settings(max_examples=300)
@given(name=STEMS)
def test_a_name_arrives_in_each_of_the_ways_in_which_clients_send_it(name: str) -> None:
    if not name.startswith("=?"):
        assert file_name_of(name.encode()) == name
    assert file_name_of(Header(name, "utf-8", maxlinelen=10_000).encode().encode()) == name
    assert file_name_of(f"=?utf-8?Q?{''.join(f'={each:02X}' for each in name.encode())}?=".encode()) == name


@pytest.mark.parametrize("name", ["Café.pdf", "naïve £.txt"])
def test_a_name_may_arrive_in_latin_1(name: str) -> None:
    assert file_name_of(name.encode("latin-1")) == name


@settings(max_examples=300)
@given(header=st.binary(max_size=60) | st.text("=?utf-8BQ_+/ \t", max_size=40).map(str.encode))
def test_any_header_is_a_name_and_none_that_breaks_a_line_is_taken(header: bytes) -> None:
    name = file_name_of(header)
    if any(unicodedata.category(each) == "Cc" for each in name):
        with pytest.raises(FieldRefused):
            check_file(f"{name}.pdf", PDF)


def test_an_encoded_word_smuggles_nothing() -> None:
    name = file_name_of(b"=?utf-8?Q?a=0D=0ASet-Cookie:_x=1.pdf?=")
    with pytest.raises(InvalidValue):
        check_file(name, PDF)
    assert file_name_of(b"=?no-such-charset?B?YQ==?=") == "=?no-such-charset?B?YQ==?="
