"""Detection of content: each type accepts its own files, no others, and no file of two types. Source: rules 6."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.files.samples import LETTER, SAMPLES, WORD, WORD_XML, Sample, ole, png, word_xml, zipped

from openers.domain.file_types import EXTENSIONS
from openers.files.sniffing import HEAD, LARGEST_RATIO, Passing, is_what_it_says

BY_TYPE = {each.media_type: each.content for each in SAMPLES}
PAIRS = [(said, sample) for said in EXTENSIONS for sample in SAMPLES]
PDF, PNG = BY_TYPE["application/pdf"], BY_TYPE["image/png"]
PAGE = b"<html><script>alert(1)</script></html>"
ZIP = zipped({"hidden.exe": b"MZ"})


async def _is(media_type: str, content: bytes, at_once: int) -> bool:
    async def _pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), at_once):
            yield content[start : start + at_once]

    with Passing(media_type) as passing:
        assert b"".join([piece async for piece in passing.watch(_pieces())]) == content
        return is_what_it_says(media_type, passing.ends)


def agrees(media_type: str, content: bytes, at_once: int = 64 * 1024) -> bool:
    """Return whether content that arrives in pieces of `at_once` bytes is accepted as its stated type."""
    return asyncio.run(_is(media_type, content, at_once))


def test_there_is_a_sample_of_every_extension_that_is_taken() -> None:
    extensions = {(each.media_type, each.name.rpartition(".")[2]) for each in SAMPLES}
    assert extensions == {(media_type, each) for media_type, all_ in EXTENSIONS.items() for each in all_}


@pytest.mark.parametrize(("said", "sample"), PAIRS, ids=lambda each: each if isinstance(each, str) else each.name)
def test_each_type_takes_its_own_files_and_no_others(said: str, sample: Sample) -> None:
    assert agrees(said, sample.content) is (said == sample.media_type)


@settings(max_examples=60, deadline=None)
@given(sample=st.sampled_from(SAMPLES), at_once=st.integers(1, 40))
def test_how_the_pieces_are_cut_changes_nothing(sample: Sample, at_once: int) -> None:
    assert agrees(sample.media_type, sample.content, at_once)
    assert not agrees(WORD, ole("WordDocument", "_VBA_PROJECT"), at_once)


@settings(max_examples=200, deadline=None)
@given(
    media_type=st.sampled_from(sorted(EXTENSIONS)),
    sample=st.sampled_from(SAMPLES),
    cut=st.integers(0, 700),
    more=st.binary(max_size=64),
)
def test_any_bytes_are_judged(media_type: str, sample: Sample, cut: int, more: bytes) -> None:
    """Any bytes are accepted or refused, without a failure."""
    for content in (sample.content[:cut] + more + sample.content[cut:], sample.content[:cut], more):
        assert agrees(media_type, content) in (True, False)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(word_xml()) - 1), bit=st.integers(0, 7))
def test_a_damaged_archive_is_judged(at: int, bit: int) -> None:
    content = bytearray(word_xml({"word/media/x.png": png()}))
    content[at] ^= 1 << bit
    assert agrees(WORD_XML, bytes(content)) in (True, False)


GENUINE = (
    Sample("a letter that begins like a bitmap", "text/plain", b"BMI 31, MZ twins, ID3 is no word\n"),
    Sample("Latin-1", "text/plain", "Café, naïve".encode("latin-1")),
    Sample("UTF-8 with its mark", "text/plain", "£5".encode("utf-8-sig")),
    Sample("UTF-16", "text/plain", "A letter \U0001f600".encode("utf-16")),
    Sample("UTF-16, cut within a character", "text/plain", ("x" + "\U0001f600" * HEAD).encode("utf-16")),
    Sample("a long letter", "text/plain", b"A line of text.\r\n" * 100_000),
    Sample("a clinical document", "text/xml", b'\xef\xbb\xbf<?xml-stylesheet href="a.xsl"?><ClinicalDocument/>'),
    Sample("an element called body", "text/xml", b"<letter><body>x</body></letter>"),
    Sample("XML in UTF-16", "text/xml", '<?xml version="1.0"?><a/>\n'.encode("utf-16")),
    Sample("a PDF with space at its end", "application/pdf", PDF + b"\r\n" * 20),
    Sample("a PDF with a newline before it", "application/pdf", b"\r\n" + PDF),
    Sample("a PDF with a mark of UTF-8 before it", "application/pdf", b"\xef\xbb\xbf" + PDF),
    Sample("a PDF for a printer", "application/pdf", b"\x1b%-12345X@PJL ENTER LANGUAGE = PDF\r\n" + PDF),
    Sample("a PDF as far behind as readers look", "application/pdf", b"\n" * 1024 + PDF),
    Sample("a JPEG filled up", "image/jpeg", BY_TYPE["image/jpeg"] + bytes(100)),
    Sample("a document with a sheet in it", WORD, ole("WordDocument", "Workbook")),
    Sample("a document with a picture", WORD_XML, word_xml({"word/media/image1.png": png()})),
    Sample("a document whose directory is long", WORD_XML, word_xml({f"word/media/{n}.png": b"x" for n in range(999)})),
    Sample("a scan in DICOM and TIFF", "application/dicom", b"II*\0".ljust(128, b"\0") + b"DICM\x02\0"),
)


@pytest.mark.parametrize("sample", GENUINE, ids=lambda each: each.name)
def test_genuine_files_are_taken(sample: Sample) -> None:
    assert agrees(sample.media_type, sample.content)


DISHONEST = (
    # files of two types
    Sample("an archive behind a picture", "image/png", PNG + ZIP),
    Sample("an archive behind a GIF", "image/gif", BY_TYPE["image/gif"] + ZIP),
    Sample("an archive behind a PDF", "application/pdf", PDF + ZIP),
    Sample("an archive in the comment of a text", "text/plain", b"text " + ZIP),
    Sample("an archive behind a TIFF", "image/tiff", BY_TYPE["image/tiff"] + ZIP),
    Sample("an archive with a comment behind sound", "audio/mpeg", BY_TYPE["audio/mpeg"] + zipped({"a": b""}, b"x")),
    Sample("a document behind sound", "audio/basic", BY_TYPE["audio/basic"] + word_xml()),
    Sample("a page behind a picture", "image/png", PNG + PAGE),
    Sample("a page behind a JPEG", "image/jpeg", BY_TYPE["image/jpeg"] + PAGE),
    Sample("a script that is a GIF", "image/gif", b"GIF89a/*" + bytes(20) + b"*/=1;alert(1);"),
    Sample("a program behind a PDF", "application/pdf", PDF + b"MZ" + b"x" * 1100),
    Sample("a page before a PDF", "application/pdf", PAGE + PDF),
    Sample("a script before a PDF", "application/pdf", b"#!/bin/sh\necho\n" + PDF),
    Sample("a picture before a PDF", "application/pdf", PNG + PDF),
    Sample("a program before a PDF", "application/pdf", b"MZ\x90\0" + PDF),
    Sample("an archive before a PDF", "application/pdf", ZIP + PDF),
    Sample("a PDF further behind than readers look", "application/pdf", b"\n" * 1025 + PDF),
    Sample("a PDF in a picture", "image/png", png(PDF)),
    Sample("a PDF in a JPEG", "image/jpeg", BY_TYPE["image/jpeg"][:20] + PDF + b"\xff\xd9"),
    Sample("a PDF in sound", "audio/mpeg", BY_TYPE["audio/mpeg"][:100] + PDF),
    Sample("a PDF in a text", "text/plain", b"Dear colleague\n%PDF-1.4\n%%EOF"),
    Sample("a program before DICOM", "application/dicom", b"MZ".ljust(128, b"\0") + b"DICM\x02\0"),
    Sample("something behind a document", WORD_XML, word_xml() + b"more"),
    Sample("a program before a document", WORD_XML, b"MZ" + word_xml()),
    # files of another type than stated
    Sample("a page", "text/plain", b"\n <!DOCTYPE html>" + PAGE),
    Sample("a page in UTF-16", "text/plain", "<html>".encode("utf-16")),
    Sample("a page as XML", "text/xml", b'<html xmlns="http://www.w3.org/1999/xhtml"/>'),
    Sample("a drawing that runs", "text/xml", b'<svg onload="alert(1)"/>'),
    Sample("a drawing with a prefix", "text/xml", b"<a><s:svg xmlns:s='http://www.w3.org/2000/svg'/></a>"),
    Sample("a script in XML", "text/xml", b"<a><x:script>alert(1)</x:script></a>"),
    Sample("XML that is cut", "text/xml", b"<?xml version='1.0'?><letter><to"),
    Sample("a program", "text/plain", b"MZ\x90\0\x03\0\0"),
    Sample("binary with the mark of UTF-16", "text/plain", b"\xff\xfe\x00\xd8\x00\xd8"),
    Sample("control characters in UTF-16", "text/plain", "\x00\x01".encode("utf-16")),
    Sample("a PDF that is cut", "application/pdf", PDF[:-30]),
    Sample("rich text that is cut", "text/rtf", rb"{\rtf1\ansi Dear"),
    Sample("a picture that is cut", "image/png", PNG[:-4]),
    Sample("a JPEG that is cut", "image/jpeg", BY_TYPE["image/jpeg"][:-1]),
    Sample("a sheet", WORD, ole("Workbook")),
    Sample("slides", WORD, ole("PowerPoint Document")),
    Sample("a mail", WORD, ole("__properties_version1.0")),
    Sample("an archive", WORD_XML, ZIP),
    Sample("a sheet in XML", WORD_XML, zipped({"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"})),
    # macros
    Sample("macros", WORD_XML, word_xml({"word/vbaProject.bin": b"x"})),
    Sample("macros in capitals", WORD_XML, word_xml({"word/VBAPROJECT.BIN": b"x"})),
    Sample("macros of an older document", WORD, ole("WordDocument", "Macros", "_VBA_PROJECT")),
    Sample("macros far inside", WORD, ole("WordDocument") + bytes(600_000) + ole("_VBA_PROJECT") + bytes(600_000)),
    # decompression bombs
    Sample("a document of zeros", WORD_XML, word_xml({"word/media/x": bytes(64 * 1024 * 1024)})),
    Sample("many parts of zeros", WORD_XML, word_xml({f"word/media/{n}": bytes(1024 * 1024) for n in range(40)})),
    Sample("entities", "text/xml", b'<!DOCTYPE a [<!ENTITY b "&c;&c;">]><a>&b;</a>'),
    Sample("entities behind a comment", "text/xml", b"<!--" + b"x" * 70_000 + b"--><!DOCTYPE a><a/>"),
    Sample("entities in UTF-16", "text/xml", "<?xml version='1.0'?><!DOCTYPE a><a/>".encode("utf-16")),
)  # fmt: skip


@pytest.mark.parametrize("sample", DISHONEST, ids=lambda each: each.name)
def test_dishonest_files_are_not_taken(sample: Sample) -> None:
    assert not agrees(sample.media_type, sample.content)


def test_a_document_may_unpack_a_hundredfold() -> None:
    """A long table is highly compressed, but not a bomb."""
    assert agrees(WORD_XML, word_xml({"word/media/x": bytes(400 * 1024)}))
    assert LARGEST_RATIO == 100


def test_a_type_that_nobody_knows_is_nothing() -> None:
    assert not agrees("text/html", PAGE)
    assert not agrees("", LETTER.content)
