"""Read the secret keys of the service from files that only the service can read; create them on first use.

`openers.bootstrap`, test mode and the command line call it with the paths in the settings. In production (`strict`) a
file that others than its owner may read or write is refused.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from openers.identity.id_tokens import SigningKey, new_signing_key
from openers.settings import SettingsError

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
Key = TypeVar("Key")


def read_or_make_key(path: Path, size: int = 32, *, strict: bool = False) -> bytes:
    """Return the key of `size` bytes in the file; create a random one, durably, if the file does not exist.

    Raises SettingsError.
    """
    make_once(path, lambda: secrets.token_bytes(size))
    key = read_secret(path, bytes, strict=strict)
    if len(key) != size:
        raise SettingsError((f"The key file {path} has {len(key)} bytes, not {size}: restore the right file",))
    return key


def read_or_make_signing_key(path: Path, *, strict: bool = False) -> SigningKey:
    """Return the key in the PEM file, which is created if it does not exist. Raises SettingsError."""
    make_once(path, new_signing_key)
    return read_secret(path, SigningKey.from_pem, strict=strict)


def read_secret(path: Path, parse: Callable[[bytes], Key], *, strict: bool) -> Key:
    """Return the content of a secret file, parsed by `parse`. Raises SettingsError.

    For an invalid key, `parse` raises ValueError, KeyError, TypeError or JoseError.
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
        raise SettingsError((f"The key file {path} does not contain a valid key: restore the right file",)) from error


def private_jwk(content: bytes) -> dict[str, str]:
    """Parse a private RSA key with its id, as a JSON Web Key. Raises ValueError, KeyError, JoseError."""
    key = msgspec.json.decode(content, type=dict[str, str])
    RSAKey.import_key(dict(key))
    return key | {"kid": key["kid"]}


def refuse_loose_files(paths: Iterable[Path]) -> None:
    """Raise SettingsError if others than the owner may read or write one of the existing files."""
    loose = [str(path) for path in paths if path.exists() and path.stat().st_mode & OTHERS]
    if loose:
        told = f"Not only the owner can open {' and '.join(loose)}: run chmod go= {' '.join(loose)}"
        raise SettingsError((told,))


def make_once(path: Path, make: Callable[[], bytes]) -> None:
    """Write the result of `make` to a file atomically, unless the file exists already.

    Raises SettingsError.
    """
    if path.exists():
        return
    try:
        _write(path, make())
    except OSError as error:
        raise _cannot_use(path, error) from error


def _cannot_use(path: Path, error: OSError) -> SettingsError:
    return SettingsError((f"The key file {path} cannot be read or created: {error.strerror}",))


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
