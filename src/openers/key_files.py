"""Keeps a secret key in a file that only the service can read, and makes it on first use.

Called by `openers.bootstrap` with the paths that the settings name.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from openers.settings import SettingsError


def read_or_make_key(path: Path, size: int = 32, *, strict: bool = False) -> bytes:
    """The key of `size` bytes in the file; a new random one, durable and complete, if there is no file yet.

    `strict` (production) refuses a file that others than its owner may read or write. Raises SettingsError.
    """
    try:
        if not path.exists():
            _make(path, secrets.token_bytes(size))
        key, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise SettingsError((f"The key file {path} can't be read or made: {error.strerror}",)) from error
    if strict and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError((f"The key file {path} is open to others than its owner: run chmod 600 {path}",))
    if len(key) != size:
        raise SettingsError((f"The key file {path} holds {len(key)} bytes, not {size}: put the right file there",))
    return key


def _make(path: Path, key: bytes) -> None:
    """Write the key whole under its name, or leave the one that another process wrote meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
