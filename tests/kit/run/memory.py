"""A pytest plugin: keep the temporary files of a run in memory where the machine has the room.

A run writes thousands of small databases. On a disk, most of its time is waiting. `TMPDIR` chooses another folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 8 * 1024**3
"""Bytes that must be free; a whole run needs about half."""

if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
