"""The exclusive right of one process to write to a SQLite file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class WriterLock:
    """An advisory lock on a file beside the database. It is released when its process ends."""

    def __init__(self, path: Path) -> None:
        """Acquire the lock for the database at `path`. Raises `BlockingIOError` while another process holds it."""
        self._file = os.open(f"{path}.lock", os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise

    def release(self) -> None:
        """Release the lock."""
        os.close(self._file)
