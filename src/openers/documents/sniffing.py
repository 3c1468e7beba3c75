"""Whether the content of a file is what its type says, from its first and last bytes.

Signatures come from the filetype library; what it does not look at is here: text and XML, Office documents, how a file
ends (so that nothing else is hidden behind it), and documents that unpack to far more than they are. Source: rules
chapter 6 (VALIDATION_FAILED).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple

import filetype

HEAD: Final = 8192
"""How many of the first bytes are looked at."""
TAIL: Final = 512 * 1024
"""How many of the last ones: enough for the directory of an Office document, which stands at its end."""
LARGEST_UNPACKED: Final = 300 * 1024 * 1024
LARGEST_RATIO: Final = 100
"""How much larger a document may be unpacked, as a whole."""
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_SIGNED: Final = {
    "application/pdf": {"pdf"},
    "text/rtf": {"rtf"},
    "audio/mpeg": {"mp3"},
    "image/png": {"png", "apng"},
    "image/gif": {"gif"},
    "image/jpeg": {"jpg"},
    "image/tiff": {"tif"},
    "video/mpeg": {"mpg"},
    "application/dicom": {"dcm"},
}
"""What the library calls the types that it knows by their first bytes."""
_ENDS: Final[dict[str, Callable[[bytes], bool]]] = {
    "application/pdf": lambda tail: b"%%EOF" in tail[-1024:],
    "image/png": lambda tail: tail.endswith(b"IEND\xaeB`\x82"),
    "image/gif": lambda tail: tail.endswith(b";"),
    "image/jpeg": lambda tail: tail.rstrip(b"\0").endswith(b"\xff\xd9"),
}
"""How types end that have an end of their own."""
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_AU: Final = b".snd"
_UNPRINTABLE: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_ENTITIES: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_HTML: Final = re.compile(rb"<\s*(html|script|body|iframe|svg)\b", re.IGNORECASE)


class Ends(NamedTuple):
    """The first and last bytes of a file, which overlap where it is short, and its size in bytes."""

    head: bytes
    tail: bytes
    size: int


class Passing:
    """Remembers both ends of a file that passes by in pieces."""

    def __init__(self) -> None:
        """Nothing has passed yet."""
        self._head, self._tail, self._size = b"", b"", 0

    @property
    def ends(self) -> Ends:
        """The ends of what has passed."""
        return Ends(self._head, self._tail, self._size)

    async def watch(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same pieces."""
        async for chunk in chunks:
            if len(self._head) < HEAD:
                self._head += chunk[: HEAD - len(self._head)]
            self._tail = (self._tail + chunk)[-TAIL:]
            self._size += len(chunk)
            yield chunk


def is_what_it_says(media_type: str, ends: Ends) -> bool:
    """Whether the content has the signature and the end of its type, and nothing of another one."""
    if media_type == "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
        return _is_office_document(ends)
    if _ends_as_zip(ends):
        return False
    match media_type:
        case "text/plain":
            return _is_text(ends) and filetype.guess(ends.head) is None
        case "text/xml":
            return _is_xml(ends)
        case "audio/basic":
            return ends.head.startswith(_AU)
        case "application/msword":
            return ends.head.startswith(_OLE)
        case _:
            return _is_signed(media_type, ends)


def _is_signed(media_type: str, ends: Ends) -> bool:
    found = filetype.guess(ends.head)
    has_end = _ENDS.get(media_type)
    is_signed = found is not None and found.extension in _SIGNED.get(media_type, ())
    return is_signed and (has_end is None or has_end(ends.tail))


def _is_text(ends: Ends) -> bool:
    """Text in UTF-8, UTF-16 (with its mark) or a Latin character set; no page of a browser."""
    if ends.head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return not any(_UNPRINTABLE.search(part) for part in (ends.head, ends.tail))


def _is_xml(ends: Ends) -> bool:
    """XML that declares no entities (which may unpack without end) and is no page of a browser."""
    text = ends.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return _is_text(ends) and text.startswith(b"<") and not _ENTITIES.search(text) and not _HTML.search(text)


def _ends_as_zip(ends: Ends) -> bool:
    """Whether an archive is hidden at the end: its last record reaches to the last byte."""
    at = ends.tail.rfind(_ZIP_END)
    if at < 0 or len(ends.tail) - at < _ZIP_END_SIZE:
        return False
    comment = int.from_bytes(ends.tail[at + 20 : at + 22], "little")
    return at + _ZIP_END_SIZE + comment == len(ends.tail)


def _is_office_document(ends: Ends) -> bool:
    """A Word document without macros, whose parts do not unpack to far more than they are."""
    if not ends.head.startswith(b"PK\x03\x04"):
        return False
    try:
        # The directory stands at the end; zipfile finds it whatever is missing before it.
        with zipfile.ZipFile(io.BytesIO(ends.tail)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    names = {part.filename for part in parts}
    unpacked = sum(part.file_size for part in parts)
    return (
        {"[Content_Types].xml", "word/document.xml"} <= names
        and not any(name.lower().endswith("vbaproject.bin") for name in names)
        and not any(part.flag_bits & 1 for part in parts)
        and unpacked <= min(LARGEST_UNPACKED, max(LARGEST_RATIO * ends.size, TAIL))
    )
