"""Check that the content of a file has its declared type, from its first and last bytes and some marks in between.

The filetype library recognises signatures. This module checks the rest: text and XML, Office documents, and the end of
a file (nothing may be hidden after it). It also detects a second type in the same file, macros, and documents that
unpack to a far larger size. The scanner calls it. `word_documents` checks the content of newer Word documents, and
`trailers` checks data that cameras append to a picture. Source: rules chapter 6 (VALIDATION_FAILED).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncIterator, Callable
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

import filetype

from openers.files.trailers import Video, ends_as_samsung
from openers.files.word_documents import is_harmless

HEAD: Final = 8192
"""Number of first bytes that are checked."""
TAIL: Final = 512 * 1024
"""Number of last bytes that are checked: enough for the directory at the end of an Office document."""
LARGEST_UNPACKED: Final = 300 * 1024 * 1024
LARGEST_RATIO: Final = 100
"""Maximum ratio of a document's unpacked size to its own."""
LARGEST_PICTURE: Final = 2**30
"""Maximum bytes of a picture's pixels; a file of few kilobytes can declare a picture too large to display."""
KEPT_IN_MEMORY: Final = 8 * 1024 * 1024
"""Bytes in memory of a file that is checked as a whole; a larger file uses a temporary file."""
WORD: Final = "application/msword"
WORD_XML: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_ZIP: Final = b"PK\x03\x04"
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_ZIP64_LOCATOR_SIZE: Final = 20
_PNG_HEAD: Final = 33
_PNG_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by the colour type of a PNG."""
_PDF: Final = b"%PDF-"
_PDF_WITHIN: Final = 1024
"""Bytes from the start within which readers look for the beginning of a PDF."""
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_AU: Final = b".snd"
_DICOM: Final = b"DICM"
_PREAMBLE: Final = 128
"""Bytes before the signature of DICOM: zeros, or the head of a TIFF file."""
_TIFF: Final = (b"II*\x00", b"MM\x00*")
_SPACE: Final = b" \t\r\n\0"
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UNPRINTABLE_BYTES: Final = bytes(each for each in range(0x20) if _UNPRINTABLE.match(chr(each)))
_XML_START: Final = re.compile(r"\s*<(\?xml\b|!--|[A-Za-z_])")
_PAGE: Final = re.compile(r"<([\w.-]+:)?(html|script|iframe|svg)\b", re.IGNORECASE)
"""Elements that a browser would run."""
_OTHER_TEXT: Final = re.compile(r"\s*(<\?xml\b|<!doctype\b|<html\b|<script\b|<svg\b|\{\\rtf)", re.IGNORECASE)
"""Beginnings of texts that have their own type."""


def _name(text: str) -> bytes:
    """Return the name of a part of an older Office document."""
    return text.encode("utf-16-le")


_OF_WORD: Final = _name("WordDocument")
_OF_OTHERS: Final = frozenset(map(_name, ("Workbook", "PowerPoint Document", "__properties_version1.0")))
_MACROS: Final = _name("_VBA_PROJECT")
_ENTITIES: Final = frozenset(
    declared.encode(encoding)
    for declared in ("<!DOCTYPE", "<!ENTITY")
    for encoding in ("ascii", "utf-16-le", "utf-16-be")
)
"""Declarations of entities, which may expand without limit."""
_MARKS: Final[dict[str, frozenset[bytes]]] = {WORD: _OF_OTHERS | {_OF_WORD, _MACROS}, "text/xml": _ENTITIES}
"""Marks to search for anywhere in files of a type."""


class Ends(NamedTuple):
    """The first and last bytes of a file, which may overlap, its size in bytes, and the marks found in it.

    `whole` is the file itself, for types that are checked as a whole. `is_video_behind` means that the file ends with
    the video of a picture.
    """

    head: bytes
    tail: bytes
    size: int
    marks: frozenset[bytes] = frozenset()
    whole: IO[bytes] | None = None
    is_video_behind: bool = False


class Passing:
    """Records both ends of a file while its chunks pass, and which marks of its type it contains.

    It is a context manager, since it stores the whole file for some types.
    """

    def __init__(self, media_type: str) -> None:
        """Start before the first chunk."""
        self._wanted = _MARKS.get(media_type, frozenset[bytes]())
        self._overlap = max(map(len, self._wanted), default=1) - 1
        self._marks = set[bytes]()
        self._head, self._tail, self._size, self._kept = b"", b"", 0, b""
        self._whole = SpooledTemporaryFile(KEPT_IN_MEMORY) if media_type == WORD_XML else None  # noqa: SIM115  # `__exit__`
        self._video = Video() if media_type == "image/jpeg" else None

    def __enter__(self) -> Self:
        """Return the object itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Close the stored file."""
        if self._whole is not None:
            self._whole.close()

    @property
    def ends(self) -> Ends:
        """Return the ends of the chunks so far."""
        is_video_behind = self._video is not None and self._video.ends_the_file
        return Ends(self._head, self._tail, self._size, frozenset(self._marks), self._whole, is_video_behind)

    async def watch(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the same chunks."""
        async for chunk in chunks:
            if len(self._head) < HEAD:
                self._head += chunk[: HEAD - len(self._head)]
            self._tail = (self._tail + chunk)[-TAIL:]
            self._size += len(chunk)
            self._look(chunk)
            if self._whole is not None:
                self._whole.write(chunk)
            if self._video is not None:
                self._video.feed(chunk)
            yield chunk

    def _look(self, chunk: bytes) -> None:
        if not self._wanted:
            return
        searched = self._kept + chunk
        self._marks |= {mark for mark in self._wanted - self._marks if mark in searched}
        self._kept = searched[-self._overlap :]


def is_what_it_says(media_type: str, ends: Ends) -> bool:
    """Return whether the content has the signature and end of its type, and is not also of another type."""
    has_its_shape = _SHAPES.get(media_type)
    if has_its_shape is None or not has_its_shape(ends):
        return False
    is_pdf_too = media_type != "application/pdf" and _PDF in ends.head[: _PDF_WITHIN + len(_PDF)]
    is_archive_too = media_type != WORD_XML and _ends_as_zip(ends)
    return not (is_pdf_too or is_archive_too)


def _is_signed(ends: Ends, *extensions: str) -> bool:
    """Return whether the library recognises the first bytes as one of these types (its names)."""
    found = filetype.guess(ends.head)
    return found is not None and found.extension in extensions


def _text_of(ends: Ends) -> str | None:
    """Return the beginning of a text in UTF-16 (with BOM), UTF-8 or a Latin character set; `None` if it is not text."""
    if ends.head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = codecs.getincrementaldecoder("utf-16")().decode(ends.head)
        except UnicodeDecodeError:
            return None
        return None if _UNPRINTABLE.search(text) else text
    if any(len(part.translate(None, _UNPRINTABLE_BYTES)) < len(part) for part in (ends.head, ends.tail)):
        return None  # counting is ten times as fast as searching if none is found
    return ends.head.removeprefix(codecs.BOM_UTF8).decode("latin-1")


def _is_pdf(ends: Ends) -> bool:
    """Return whether it is a complete PDF; bytes before it (of printers, mail programs) must not be another type."""
    start = ends.head.find(_PDF, 0, _PDF_WITHIN + len(_PDF))
    before = ends.head[: max(start, 0)]
    other = filetype.guess(ends.head)
    is_other = other is not None and other.extension != "pdf"
    is_run = before.startswith(b"#!") or _PAGE.search(before.decode("latin-1")) is not None
    return start >= 0 and not is_other and not is_run and b"%%EOF" in ends.tail[-1024:]


def _is_text(ends: Ends) -> bool:
    """Return whether it is plain text and no other type."""
    text = _text_of(ends)
    return text is not None and _OTHER_TEXT.match(text) is None


def _is_xml(ends: Ends) -> bool:
    """Return whether it is XML without entities that a browser would not run."""
    text = _text_of(ends)
    return (
        text is not None
        and _XML_START.match(text) is not None
        and _PAGE.search(text) is None
        and not ends.marks & _ENTITIES
        and ends.tail.rstrip(_SPACE).endswith(b">")
    )


def _is_word(ends: Ends) -> bool:
    """Return whether it is an older Word document without macros, not another document in the same format."""
    is_other = _OF_WORD not in ends.marks and not ends.marks.isdisjoint(_OF_OTHERS)
    return ends.head.startswith(_OLE) and not is_other and _MACROS not in ends.marks


def _is_dicom(ends: Ends) -> bool:
    """Return whether it is a DICOM file with no executable content before it."""
    preamble = ends.head[:_PREAMBLE]
    return ends.head.startswith(_DICOM, _PREAMBLE) and (not preamble.strip(b"\0") or preamble.startswith(_TIFF))


def _ends_as_zip(ends: Ends) -> bool:
    """Return whether the file ends as an archive, whatever its beginning."""
    at = ends.tail.rfind(_ZIP_END)
    if at < 0 or len(ends.tail) - at < _ZIP_END_SIZE:
        return False
    comment = int.from_bytes(ends.tail[at + 20 : at + 22], "little")
    return at + _ZIP_END_SIZE + comment == len(ends.tail)


def _is_word_xml(ends: Ends) -> bool:
    """Return whether it is a Word document without active content that does not unpack to an excessive size."""
    if not ends.head.startswith(_ZIP) or not _ends_as_zip(ends) or ends.whole is None:
        return False
    end = ends.tail.rfind(_ZIP_END)
    directory = int.from_bytes(ends.tail[end + 12 : end + 16], "little")
    is_large = ends.tail.startswith(_ZIP64_LOCATOR, max(0, end - _ZIP64_LOCATOR_SIZE))
    if directory > TAIL or is_large:  # the directory is read at once
        return False
    return is_harmless(ends.whole, min(LARGEST_UNPACKED, max(LARGEST_RATIO * ends.size, TAIL)))


def _is_jpeg(ends: Ends) -> bool:
    """Return whether it is a complete JPEG, perhaps followed by data of a camera."""
    return _is_signed(ends, "jpg") and (
        ends.tail.rstrip(b"\0").endswith(b"\xff\xd9") or ends.is_video_behind or ends_as_samsung(ends.tail)
    )


def _is_png(ends: Ends) -> bool:
    """Return whether it is a complete PNG of displayable size, perhaps followed by data of a telephone."""
    head = ends.head[:_PNG_HEAD]
    if not _is_signed(ends, "png", "apng") or len(head) < _PNG_HEAD:
        return False
    width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    bits = width * head[24] * _PNG_SAMPLES.get(head[25], 4)
    is_whole = ends.tail.rstrip(b"\0").endswith(b"IEND\xaeB`\x82") or ends_as_samsung(ends.tail)
    return is_whole and height * (bits // 8 + 1) <= LARGEST_PICTURE


def _is_gif(ends: Ends) -> bool:
    """Return whether it is a complete GIF of displayable size."""
    width, height = int.from_bytes(ends.head[6:8], "little"), int.from_bytes(ends.head[8:10], "little")
    return _is_signed(ends, "gif") and ends.tail.endswith(b"\0;") and width * height <= LARGEST_PICTURE


_SHAPES: Final[dict[str, Callable[[Ends], bool]]] = {
    "text/plain": _is_text,
    "text/xml": _is_xml,
    "application/pdf": _is_pdf,
    "text/rtf": lambda ends: _is_signed(ends, "rtf") and ends.tail.rstrip(_SPACE).endswith(b"}"),
    "audio/basic": lambda ends: ends.head.startswith(_AU),
    "audio/mpeg": lambda ends: _is_signed(ends, "mp3"),
    "image/png": _is_png,
    "image/gif": _is_gif,
    "image/jpeg": _is_jpeg,
    "image/tiff": lambda ends: _is_signed(ends, "tif"),
    "video/mpeg": lambda ends: _is_signed(ends, "mpg"),
    WORD: _is_word,
    WORD_XML: _is_word_xml,
    "application/dicom": _is_dicom,
}
"""The check of the content for each type."""
