"""Recognise data that cameras and telephones append to a picture, and refuse other appended data.

`sniffing` calls it. After the end mark of a JPEG or PNG there may be, in this order, any of:

- another JPEG: a larger preview, a second view or a gain map. Source: CIPA DC-007 (Multi-Picture Format), ISO 21496-1.
- a video of the moment: an MP4, box by box to the end. Source: Android Motion Photo format 1.0, ISO/IEC 14496-12.
- the trailer of Samsung: blocks, then a directory `SEFH` with its length and `SEFT` as the last four bytes. Source:
  ExifTool's description of Samsung trailers, since the maker publishes none.
- zeros, with which cameras fill up the last sector.

Each is recognised by the end of the file and, for a video, by its boxes. All other appended data is refused.
"""

from __future__ import annotations

import re
from typing import Final

_VIDEO: Final = re.compile(rb"\xff\xd9\0*?(\0\0\0[\x08-\x60]ftyp)", re.DOTALL)
"""The end of a picture and the first box of a video."""
_KEPT: Final = 4096
"""Bytes kept to find that pattern across two chunks: a sector of zeros may be in between."""
_BOX: Final = 8
_LONG_BOX: Final = 16
_NAME: Final = re.compile(rb"[a-zA-Z0-9 ]{4}")
_SAMSUNG: Final = b"SEFT"
_SAMSUNG_DIRECTORY: Final = b"SEFH"


class Video:
    """Follows the boxes of a video after a picture, independent of how the file is split into chunks."""

    def __init__(self) -> None:
        """Start before any video."""
        self._kept = b""
        self._begun = False
        self._skip = 0
        self._is_to_the_end = False

    @property
    def ends_the_file(self) -> bool:
        """Return whether a video follows the picture and its last box ends at the end of the file."""
        return self._begun and (self._is_to_the_end or (self._skip == 0 and not self._kept.strip(b"\0")))

    def feed(self, piece: bytes) -> None:
        """Process the next bytes of the file."""
        if self._is_to_the_end:
            return
        if not self._begun:
            searched = self._kept + piece
            found = _VIDEO.search(searched)
            if found is None:
                self._kept = searched[-_KEPT:]
                return
            self._begun, self._kept, piece = True, b"", searched[found.start(1) :]
        self._walk(piece)

    def _walk(self, piece: bytes) -> None:
        """Skip boxes; only their heads are read."""
        skipped = min(self._skip, len(piece))
        self._skip -= skipped
        at, rest = 0, self._kept + piece[skipped:]
        while not self._is_to_the_end and (size := _size_of(rest, at)) is not None:
            self._is_to_the_end = size == 0
            self._skip = max(0, at + size - len(rest))
            at = min(at + size, len(rest))
        self._kept = rest[at:][:_KEPT]


def _size_of(rest: bytes, at: int) -> int | None:
    """Return the size of the box at a position; 0: up to the end of the file; `None`: its head is incomplete."""
    head = rest[at : at + _LONG_BOX]
    if len(head) < _BOX or not _NAME.fullmatch(head[4:8]):
        return None
    size = int.from_bytes(head[:4], "big")
    if size == 1:
        size = int.from_bytes(head[8:], "big") if len(head) == _LONG_BOX else -1
    return size if size == 0 or size >= _BOX else None


def ends_as_samsung(tail: bytes) -> bool:
    """Return whether the last bytes are a directory of Samsung's blocks: its head, its length and the end mark."""
    if not tail.endswith(_SAMSUNG):
        return False
    length = int.from_bytes(tail[-8:-4], "little")
    return len(_SAMSUNG_DIRECTORY) < length <= len(tail) - 8 and tail[-8 - length :].startswith(_SAMSUNG_DIRECTORY)
