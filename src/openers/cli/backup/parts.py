"""The parts of a store: where each is, where it goes in a backup, and which of them are secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from openers.places import PlaceKind, base_of, files_of
from openers.settings import Settings

DATABASE: Final = "database"
BLOBS: Final = "blobs"
_BESIDE: Final = "beside"
_KEY_SETTINGS: Final = (
    "audit_key_file",
    "signing_key_file",
    "files_key_file",
    "access_code_key_file",
    "oidc_client_key_file",
    "pds_key_file",
)
_SECRET_PLACES: Final = (f".{PlaceKind.KEYS}", f".{PlaceKind.AUTHORITIES}")
_SECRET_SUFFIXES: Final = frozenset({".key", ".pem", ".jwk", ".p12", ".jks"})
_SECRET_NAMES: Final = frozenset({"keys", "administrator.json"})
"""Files in which Quick Connect and the portal keep their keys."""
_LEFT_OUT: Final = ("-wal", "-shm", "-journal", ".lock", ".log")
"""Ends of names of what a running process needs only for itself. A copied database contains its write-ahead log."""
_LOCK: Final = "lock"


class Part(NamedTuple):
    """A part: its name in the backup, its path, and whether all of it is secret."""

    name: str
    path: Path
    is_secret: bool = False


def parts_of(settings: Settings) -> Iterator[Part]:
    """Yield the parts of a store besides its database; a part need not exist, and may be inside a later one.

    Unfinished uploads are no part. Contents in S3 are none either: the bucket has versions and copies of its own.
    """
    yield from _named(settings)
    for path in files_of(settings.database_url):
        if path not in (base_of(settings.database_url), settings.drafts_directory) and is_wanted(path):
            end = path.name.removeprefix(base_of(settings.database_url).name)
            yield Part(f"{_BESIDE}{end}", path, end in _SECRET_PLACES)


def place_of(settings: Settings, name: str) -> Path:
    """Return where the part of a backup belongs in a store. Raises ValueError for a name that no store has."""
    named = {part.name: part.path for part in _named(settings)}
    kind, _, end = name.partition(".")
    if kind == _BESIDE and end and "/" not in end:
        base = base_of(settings.database_url)
        return base.with_name(f"{base.name}.{end}")
    if name in _KEY_SETTINGS and name not in named:
        raise ValueError(f"the backup has a key for OPENERS_{name.upper()}: set it to the path where the key shall be")
    if name not in named:
        raise ValueError(f"the backup has the part {name}, which no store has: take an earlier backup")
    return named[name]


def is_secret(part: Part, path: Path) -> bool:
    """Return whether a file of a part belongs to the folder of keys."""
    return part.is_secret or path.suffix in _SECRET_SUFFIXES or path.name in _SECRET_NAMES


def is_wanted(path: Path) -> bool:
    """Return whether a file belongs into a backup."""
    return path.name != _LOCK and not path.name.endswith(_LEFT_OUT)


def _named(settings: Settings) -> Iterator[Part]:
    """Yield the parts whose places are settings."""
    kind, _, path = settings.blob_url.partition(":")
    if kind == "file":
        yield Part(BLOBS, Path(path))
    yield Part("ca", settings.ca_directory, is_secret=True)
    for name in _KEY_SETTINGS:
        file = getattr(settings, name)
        if file is not None:
            yield Part(name, file, is_secret=True)
