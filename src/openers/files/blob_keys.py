"""Keys of contents in a blob store: the SHA-256 of the content and the id of its file.

So a key shows its expected content, belongs to one file only, and is never reused. Source: the decision on blobs.
"""

from __future__ import annotations

import re
from typing import Final

from openers.domain.identifiers import FileId

_KEY: Final = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{32}")


def key_of(sha256: str, file: FileId) -> str:
    """Return the key of the content of a file."""
    return f"{sha256}.{file.replace('-', '')}"


def is_key(name: str) -> bool:
    """Return whether a name is one of our keys, and not that of foreign content in the same place."""
    return _KEY.fullmatch(name) is not None
