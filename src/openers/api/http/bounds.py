"""Maximum lengths of request values that are stored, sent back, logged or used as a key.

`openers.api.http.connections` refuses longer requests before other code sees them. `openers.api.edge` refuses longer
values with 400. Caches and their keys are listed in `tests/checks/caches.py`.
"""

from __future__ import annotations

from typing import Final

LONGEST_TARGET: Final = 16 * 1024
"""Bytes of the request target (path and query). A longer one returns 414."""
LONGEST_HEADERS: Final = 32 * 1024
"""Bytes of all headers together, and of all trailers. Longer ones return 431."""
LONGEST_CORRELATION_ID: Final = 256
"""Characters of `X-Correlation-ID`, which is stored and sent back unchanged: a GUID, or two parts with a dot."""
LONGEST_HOST: Final = 259
"""Characters of `Host`, which is stored: the longest DNS name (253) and a port."""
LONGEST_CACHED: Final = 256
"""Characters of a text that may be a cache key. The result for a longer text is not cached."""
LONGEST_SHOWN: Final = 200
"""Characters of a caller's text that an error text repeats."""


def kept(value: str, longest: int) -> str:
    """Return a value that may be stored and sent back; empty if it is too long, since a cut id identifies nothing."""
    return value if len(value) <= longest else ""


def shown(value: str, longest: int = LONGEST_SHOWN) -> str:
    """Return a value for an error text, cut if it is longer."""
    return value if len(value) <= longest else f"{value[:longest]}…"
