"""Sizes, types and relationships that a Word document states are checked against its contents."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
from tests.kit.files.samples import WORD_PARTS, WORD_XML, content_types, ole, png, relationships, word_xml, zipped
from tests.unit.test_sniffing import agrees

LINKS = "word/_rels/document.xml.rels"
BOMB = bytes(200 * 1024 * 1024)


def with_links(*links: tuple[str, str, str]) -> bytes:
    """Return a document whose main part has these relationships."""
    return word_xml({LINKS: relationships(*links), "word/other.bin": b"x"})


GENUINE: dict[str, bytes] = {
    "pictures and links": with_links(
        ("image", "media/x.png", "Internal"), ("hyperlink", "https://mill.example/", "External")
    ),
    "a template on the writer's disk": with_links(
        ("attachedTemplate", "file:///C:\\Users\\Moss\\Letter.dotx", "External")
    ),
    "parts that are not packed": zipped(WORD_PARTS | {"word/media/x.png": png()}),
    "an empty part": word_xml({"word/empty.xml": b""}),
    "a main part of another name": zipped({
        "[Content_Types].xml": content_types().replace(b"/word/document.xml", b"/word/document2.xml"),
        "word/document2.xml": b"<document/>",
    }),
    "types in UTF-16": zipped(
        WORD_PARTS
        | {"[Content_Types].xml": content_types().decode().replace("UTF-8", "UTF-16").encode("utf-16")}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GENUINE)
def test_genuine_documents_are_taken(name: str) -> None:
    assert agrees(WORD_XML, GENUINE[name])


ACTIVE: dict[str, bytes] = {
    "a macro part of another name": word_xml({
        "[Content_Types].xml": content_types("application/vnd.ms-office.vbaProject"), "word/photo.png": b"x",
    }),
    "a macro part by its relationship": with_links(("vbaProject", "other.bin", "Internal")),
    "a macro part in capitals": with_links(("VBAPROJECT", "other.bin", "Internal")),
    "a macro part by its content": word_xml({"word/media/photo.png": ole("_VBA_PROJECT")}),
    "a document with macros": zipped(
        WORD_PARTS
        | {"[Content_Types].xml": content_types().replace(
            f"{WORD_XML}.main+xml".encode(), b"application/vnd.ms-word.document.macroEnabled.main+xml"
        )}
    ),
    "a document with macros inside": word_xml(
        {"[Content_Types].xml": content_types("application/vnd.ms-word.document.macroEnabled.12")}
    ),
    "types in UTF-16 that name macros": word_xml({
        "[Content_Types].xml": content_types("application/vnd.ms-office.vbaProject")
        .decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    }),
    "a template from the web": with_links(("attachedTemplate", "https://mill.example/x.dotm", "External")),
    "a template from a share": with_links(("attachedTemplate", "\\\\mill\\x.dotm", "External")),
    "a template from a share by address": with_links(("attachedTemplate", "file://mill/x.dotm", "External")),
    "an embedded object": with_links(("oleObject", "other.bin", "Internal")),
    "a linked object": with_links(("oleObject", "https://mill.example/x", "External")),
    "a control": with_links(("control", "other.bin", "Internal")),
    "entities in the types": word_xml({"[Content_Types].xml": b"<!DOCTYPE a []>" + content_types()[55:]}),
    "types that are no XML": word_xml({"[Content_Types].xml": b"x"}),
    "types without end": word_xml({"[Content_Types].xml": content_types() + b" " * 1024 * 1024}),
    "no main part": zipped({"[Content_Types].xml": content_types(), "word/other.xml": b"<document/>"}),
    "no types": zipped({"word/document.xml": b"<document/>"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVE)
def test_documents_that_do_something_are_not_taken(name: str) -> None:
    assert not agrees(WORD_XML, ACTIVE[name])


def stating(size: int, name: str = "word/x.bin", content: bytes = BOMB) -> bytes:
    """Return a document with a part whose stated size is wrong, in its header and in the directory."""
    whole = word_xml({name: content})
    return whole.replace(struct.pack("<I", len(content)), struct.pack("<I", size))


def _other_name(whole: bytes) -> bytes:
    """Change the part's name in its header, but not in the directory."""
    return whole.replace(b"word/x.bin", b"word/y.bin", 1)


def _other_checksum(whole: bytes) -> bytes:
    checksum = struct.pack("<I", zlib.crc32(b"content" * 9))
    return whole.replace(checksum, b"\1\2\3\4")


def _twice(_whole: bytes) -> bytes:
    """Use one name for two parts, so that readers may choose different ones."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in WORD_PARTS.items():
            made.writestr(name, content)
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("word/document.xml", b"<other/>")
    return file.getvalue()


def _beyond_the_end(whole: bytes) -> bytes:
    at = whole.rindex(b"PK\x01\x02") + 42
    return whole[:at] + struct.pack("<I", len(whole)) + whole[at + 4 :]


def _packed_otherwise(_whole: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as made:
        for name, content in WORD_PARTS.items():
            made.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("change", [_other_name, _other_checksum, _twice, _beyond_the_end, _packed_otherwise])
def test_a_directory_that_states_another_thing_is_not_believed(change: Callable[[bytes], bytes]) -> None:
    whole = word_xml({"word/x.bin": b"content" * 9})
    assert agrees(WORD_XML, whole)
    assert not agrees(WORD_XML, change(whole))


@pytest.mark.parametrize("size", [0, 100, 63 * 7, 1000])
def test_a_part_that_states_another_size_is_not_taken(size: int) -> None:
    content = b"content" * 64
    assert not agrees(WORD_XML, stating(size, content=content))


def test_a_bomb_costs_no_more_than_it_states() -> None:
    """A part of 200 MB that states 100 bytes is refused at the first piece."""
    bomb = stating(100)
    tracemalloc.start()
    try:
        assert not agrees(WORD_XML, bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
