"""Ignore offers to switch the protocol, such as HTTP/2 without TLS (`Upgrade: h2c`), which Java sends by default.

httptools skips the body of a request that has an `Upgrade` header. The service speaks HTTP/1.1 only and may ignore the
header (RFC 9110 chapter 7.8), so it reaches the parser under another name.
"""

from __future__ import annotations

import re
from typing import Final

IGNORED: Final = b"x-openers-upgrade"
"""The name under which the parser sees the header."""
_NAME: Final = re.compile(rb"(?i)\nupgrade(?=[ \t]*:)")
_BEGUN: Final = b"upgrade:"
_END: Final = b"\r\n\r\n"


class UpgradeFilter:
    """Renames `Upgrade` in the headers of one connection, wherever the pieces that arrive are cut."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self._held = b""
        """The end of the last piece, if it may be the beginning of the header's name."""
        self._before = b""
        """The last bytes that the parser has seen of these headers, to find where they end."""

    def filter(self, data: bytes) -> bytes:
        """Return a piece of a request's headers as the parser shall see it. A body after them stays as it is."""
        seen = len(self._before)
        head, end, body = (self._before + self._held + data).partition(_END)
        head = _NAME.sub(b"\n" + IGNORED, head)
        self._held = self._before = b""
        if not end:
            begun = head[head.rfind(b"\n") + 1 :]
            if begun and begun != head and _BEGUN.startswith(begun.lower()):
                head, self._held = head[: -len(begun)], begun
            self._before = head[1 - len(_END) :]
        return (head + end + body)[seen:]
