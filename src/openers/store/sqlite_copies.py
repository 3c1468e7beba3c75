"""Copies of SQLite files, as of one moment, while another process writes to them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from openers.store.engine.reading import reading_sqlite

_HEADER: Final = b"SQLite format 3\x00"


def is_sqlite(path: Path) -> bool:
    """Return whether a file is a SQLite database. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(_HEADER)) == _HEADER


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database durably into a new file that only its owner reads. Raises Unavailable, OSError."""
    target.touch(0o600)
    with reading_sqlite(source) as raw, closing(sqlite3.connect(target)) as copy:
        # This fails after a while if another process has locked the file; backup() would wait for ever.
        raw.execute("SELECT count(*) FROM sqlite_master")
        raw.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # so that reading the copy makes no files beside it
    with target.open("rb") as file:
        os.fsync(file.fileno())
