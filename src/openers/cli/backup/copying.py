"""Copy files durably, readable by their owner only, and take their digests."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, readable by its owner only. Raises OSError."""
    make_folder(target.parent)
    with source.open("rb") as read, open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as out:
        shutil.copyfileobj(read, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())


def files_below(path: Path) -> Iterator[Path]:
    """Yield a file, or the files of a folder, in the order of their names; nothing if it does not exist."""
    if path.is_file():
        yield path
    elif path.is_dir():
        for each in sorted(path.iterdir()):
            yield from files_below(each)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner enters, with those above it. Raises OSError."""
    path.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
