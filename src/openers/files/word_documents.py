"""Check that an archive is a Word document without active content: no macros, controls or foreign templates.

`sniffing` calls it in a thread, with the whole file. It does not trust the archive's directory: each part is unpacked,
counted and compared with the directory. Source: ECMA-376 part 2 (Open Packaging Conventions), rules chapter 6.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Final
from xml.parsers.expat import ExpatError, ParserCreate

TYPES: Final = "[content_types].xml"
LARGEST_DESCRIPTION: Final = 1024 * 1024
"""Maximum bytes of a part that describes others: types or relationships. A book has about 10,000."""
_MAIN: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_ACTIVE_TYPE: Final = re.compile(r"macroenabled|vbaproject|vbadata|activex|oleobject", re.IGNORECASE)
"""Types of parts that run, or that contain content of other programs."""
_ACTIVE_LINK: Final = frozenset({"vbaproject", "wordvbadata", "oleobject", "control", "activexcontrolbinary"})
"""Relationships to such parts, by the last word of their type; the rest differs between editions of the standard."""
_TEMPLATE: Final = "attachedtemplate"
_LOCAL: Final = re.compile(r"(file:/{3})?([A-Za-z]:[\\/]|[^\\/:]+$)", re.IGNORECASE)
"""A template on the author's own disk, or beside the document. Word writes one into most letters, and loads no file of
another machine for it. A template from the network can contain macros.
"""
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCAL_HEAD: Final = b"PK\x03\x04"
_LOCAL_HEAD_SIZE: Final = 30
_PIECE: Final = 64 * 1024


class Dishonest(Exception):
    """The archive differs from its directory, or contains parts that a Word document may not have."""


def is_harmless(file: IO[bytes], most: int) -> bool:
    """Return whether the archive is a Word document without active content that unpacks to at most `most` bytes."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            _check_directory(parts, most)
            _check_parts(file, parts)
    except (Dishonest, zipfile.BadZipFile, zlib.error, ExpatError, ValueError, NotImplementedError, OSError):
        return False
    return True


def _check_directory(parts: list[zipfile.ZipInfo], most: int) -> None:
    """Refuse by the directory: encryption, other compression, duplicate names, too much content. Raises Dishonest."""
    names = [part.filename.lower() for part in parts]
    if len(set(names)) < len(names) or TYPES not in names:
        raise Dishonest
    if any(
        part.flag_bits & 1 or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts
    ):
        raise Dishonest
    if any(name.endswith("vbaproject.bin") for name in names) or sum(part.file_size for part in parts) > most:
        raise Dishonest


def _check_parts(file: IO[bytes], parts: list[zipfile.ZipInfo]) -> None:
    names = {part.filename.lower() for part in parts}
    for part in parts:
        name = part.filename.lower()
        is_description = name == TYPES or name.endswith(".rels")
        head = b"".join(_unpacked(file, part, LARGEST_DESCRIPTION if is_description else len(_OLE)))
        if head.startswith(_OLE):
            raise Dishonest
        if name == TYPES:
            _check_types(_elements(head), names)
        elif is_description:
            _check_relationships(_elements(head))


def _unpacked(file: IO[bytes], part: zipfile.ZipInfo, kept: int) -> Iterator[bytes]:
    """Yield the first `kept` bytes of a part; unpack all of it and compare it with the directory. Raises Dishonest."""
    _seek_content(file, part)
    unpack = zlib.decompressobj(-zlib.MAX_WBITS) if part.compress_type == zipfile.ZIP_DEFLATED else None
    left, size, checksum = part.compress_size, 0, 0
    while left:
        packed = file.read(min(left, _PIECE))
        if not packed:
            raise Dishonest
        left -= len(packed)
        for piece in _pieces(unpack, packed):
            if size < kept:
                yield piece[: kept - size]
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
            if size > part.file_size:
                raise Dishonest
    ended = unpack is None or (unpack.eof and not unpack.unused_data)
    if not ended or size != part.file_size or checksum != part.CRC:
        raise Dishonest


def _pieces(unpack: zlib._Decompress | None, packed: bytes) -> Iterator[bytes]:  # pyright: ignore[reportPrivateUsage]  # typeshed has no other name for it
    """Yield unpacked bytes in limited chunks."""
    if unpack is None:
        yield packed
        return
    while packed:
        yield unpack.decompress(packed, _PIECE)
        packed = unpack.unconsumed_tail


def _seek_content(file: IO[bytes], part: zipfile.ZipInfo) -> None:
    """Seek to the content of a part; its own head must have the same name as the directory. Raises Dishonest."""
    file.seek(part.header_offset)
    head = file.read(_LOCAL_HEAD_SIZE)
    if len(head) < _LOCAL_HEAD_SIZE or not head.startswith(_LOCAL_HEAD):
        raise Dishonest
    name = file.read(int.from_bytes(head[26:28], "little"))
    if name.decode("utf-8" if part.flag_bits & 0x800 else "cp437") != part.orig_filename:
        raise Dishonest
    file.seek(int.from_bytes(head[28:30], "little"), 1)


def _elements(text: bytes) -> list[dict[str, str]]:
    """Return the attributes of each element of a description without entities. Raises Dishonest, ExpatError."""
    found: list[dict[str, str]] = []
    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda _name, attributes: found.append(attributes)
    if len(text) >= LARGEST_DESCRIPTION:
        raise Dishonest
    parser.Parse(text, True)
    return found


def _refuse(*_declared: object) -> None:
    raise Dishonest


def _check_types(types: list[dict[str, str]], names: set[str]) -> None:
    """Refuse active types; the main part must be that of a plain Word document. Raises Dishonest."""
    declared = [(each.get("PartName", ""), each.get("ContentType", "").strip()) for each in types]
    if any(_ACTIVE_TYPE.search(kind) for _, kind in declared):
        raise Dishonest
    if not any(kind.lower() == _MAIN and part.lower().lstrip("/") in names for part, kind in declared):
        raise Dishonest


def _check_relationships(relationships: list[dict[str, str]]) -> None:
    """Refuse relationships to active parts and to templates of other machines. Raises Dishonest."""
    for each in relationships:
        kind = each.get("Type", "").rpartition("/")[2].lower()
        if kind in _ACTIVE_LINK or (kind == _TEMPLATE and not _LOCAL.match(each.get("Target", "").strip())):
            raise Dishonest
