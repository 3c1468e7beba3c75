"""Reads the secret keys of the service, each from a file that only the service can read, and makes them on first use.

Called by `openers.bootstrap`, test mode and the command line with the paths that the settings name. In production
(`strict`) a file that others than its owner may read or write is refused, whatever key it holds.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from joserfc.errors import JoseError

from openers.identity.id_tokens import SigningKey, new_signing_key
from openers.settings import SettingsError

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
Key = TypeVar("Key")


def read_or_make_key(path: Path, size: int = 32, *, strict: bool = False) -> bytes:
    """The key of `size` bytes in the file; a new random one, durable and complete, if there is no file yet.

    Raises SettingsError.
    """
    make_once(path, lambda: secrets.token_bytes(size))
    key = read_secret(path, bytes, strict=strict)
    if len(key) != size:
        raise SettingsError((f"The key file {path} holds {len(key)} bytes, not {size}: put the right file there",))
    return key


def read_or_make_signing_key(path: Path, *, strict: bool = False) -> SigningKey:
    """The key in the PEM file, which is made if there is none. Raises SettingsError."""
    make_once(path, new_signing_key)
    return read_secret(path, SigningKey.from_pem, strict=strict)


def read_secret(path: Path, parse: Callable[[bytes], Key], *, strict: bool) -> Key:
    """What `parse` makes of a secret file. Raises SettingsError.

    For what is no such key `parse` raises ValueError, KeyError, TypeError or JoseError.
    """
    try:
        content = path.read_bytes()
        if strict:
            refuse_loose_files([path])
        return parse(content)
    except OSError as error:
        raise _cannot_use(path, error) from error
    except SettingsError:
        raise
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise SettingsError((f"The key file {path} does not hold such a key: put the right file there",)) from error


def refuse_loose_files(paths: Iterable[Path]) -> None:
    """Raise SettingsError if others than its owner may read or write one of the files that are there."""
    loose = [str(path) for path in paths if path.exists() and path.stat().st_mode & OTHERS]
    if loose:
        told = f"Others than its owner can open {' and '.join(loose)}: run chmod go= {' '.join(loose)}"
        raise SettingsError((told,))


def make_once(path: Path, make: Callable[[], bytes]) -> None:
    """Write what `make` gives whole under its name, unless the file is there or another process is faster.

    Raises SettingsError.
    """
    if path.exists():
        return
    try:
        _write(path, make())
    except OSError as error:
        raise _cannot_use(path, error) from error


def _cannot_use(path: Path, error: OSError) -> SettingsError:
    return SettingsError((f"The key file {path} can't be read or made: {error.strerror}",))


def _write(path: Path, key: bytes) -> None:
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
