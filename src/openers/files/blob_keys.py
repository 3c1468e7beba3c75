"""What content is called in a blob store: its SHA-256 and the id of its file.

So a key says what it must hold, belongs to one file alone, and is never used again. Source: the decision on blobs.
"""

from __future__ import annotations

import re
from typing import Final

from openers.domain.identifiers import FileId

_KEY: Final = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{32}")


def key_of(sha256: str, file: FileId) -> str:
    """The key of the content of a file."""
    return f"{sha256}.{file.replace('-', '')}"


def is_key(name: str) -> bool:
    """Whether this is a key of ours, and not the name of something that others keep in the same place."""
    return _KEY.fullmatch(name) is not None
