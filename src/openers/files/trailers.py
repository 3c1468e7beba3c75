"""What cameras and telephones write behind the end of a picture, told apart from what somebody hides there.

Called by `sniffing`. Behind the end mark of a JPEG or PNG there may be, in this order, any of:

- another JPEG: a larger preview, a second view or a gain map. Source: CIPA DC-007 (Multi-Picture Format), ISO 21496-1.
- a video of the moment: an MP4, box by box to the end. Source: Android Motion Photo format 1.0, ISO/IEC 14496-12.
- the trailer of Samsung: blocks, then a directory `SEFH` with its length and `SEFT` as the last four bytes. Source:
  ExifTool's description of Samsung trailers, since the maker publishes none.
- zeros, with which cameras fill up the last sector.

Each is recognised by how the file ends and, for a video, by its boxes. Everything else behind a picture is refused.
"""

from __future__ import annotations

import re
from typing import Final

_VIDEO: Final = re.compile(rb"\xff\xd9\0*?(\0\0\0[\x08-\x60]ftyp)", re.DOTALL)
"""The end of a picture and the first box of a video."""
_KEPT: Final = 4096
"""How many bytes are kept to find that across two pieces: a sector of zeros between the two."""
_BOX: Final = 8
_LONG_BOX: Final = 16
_NAME: Final = re.compile(rb"[a-zA-Z0-9 ]{4}")
_SAMSUNG: Final = b"SEFT"
_SAMSUNG_DIRECTORY: Final = b"SEFH"


class Video:
    """Follows the boxes of a video behind a picture, however the pieces of the file are cut."""

    def __init__(self) -> None:
        """None has begun."""
        self._kept = b""
        self._begun = False
        self._skip = 0
        self._is_to_the_end = False

    @property
    def ends_the_file(self) -> bool:
        """Whether a video has begun behind the picture, and its last box ends where the file does."""
        return self._begun and (self._is_to_the_end or (self._skip == 0 and not self._kept.strip(b"\0")))

    def feed(self, piece: bytes) -> None:
        """The next bytes of the file."""
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
        """Skip boxes, of which only the heads are looked at."""
        skipped = min(self._skip, len(piece))
        self._skip -= skipped
        at, rest = 0, self._kept + piece[skipped:]
        while not self._is_to_the_end and (size := _size_of(rest, at)) is not None:
            self._is_to_the_end = size == 0
            self._skip = max(0, at + size - len(rest))
            at = min(at + size, len(rest))
        self._kept = rest[at:][:_KEPT]


def _size_of(rest: bytes, at: int) -> int | None:
    """The size of the box at a place, 0 for one up to the end of the file; `None` if no head of one is there whole."""
    head = rest[at : at + _LONG_BOX]
    if len(head) < _BOX or not _NAME.fullmatch(head[4:8]):
        return None
    size = int.from_bytes(head[:4], "big")
    if size == 1:
        size = int.from_bytes(head[8:], "big") if len(head) == _LONG_BOX else -1
    return size if size == 0 or size >= _BOX else None


def ends_as_samsung(tail: bytes) -> bool:
    """Whether the last bytes are a directory of Samsung's blocks: its head, its length and the end mark."""
    if not tail.endswith(_SAMSUNG):
        return False
    length = int.from_bytes(tail[-8:-4], "little")
    return len(_SAMSUNG_DIRECTORY) < length <= len(tail) - 8 and tail[-8 - length :].startswith(_SAMSUNG_DIRECTORY)
