"""The manifest of a backup: what it contains, from when, and the heads of the audit that a restored store must have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

import msgspec

from openers.cli.backup.copying import digest

MANIFEST: Final = "manifest.json"
Root = Literal["data", "keys"]
Kind = Literal["sqlite", "postgresql"]


class Copied(msgspec.Struct, frozen=True):
    """A file of a backup: in which of the two folders, its path in that folder, its size in bytes and its SHA-256."""

    root: Root
    path: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """A whole backup: the release that made it, the wall clock at the end, the database, heads and files."""

    release: str
    made_at: str
    database: Kind
    has_database: bool
    heads: list[str]
    files: list[Copied]

    def save(self, folder: Path) -> None:
        """Write the manifest as the last file of a backup. Raises OSError."""
        unfinished = folder / f"{MANIFEST}.part"
        unfinished.touch(0o600)
        with unfinished.open("wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(self)))
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises ValueError: the backup is unfinished, or it was changed."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise ValueError(f"{folder} is not a whole backup: {MANIFEST} is missing; take an earlier backup") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"{folder / MANIFEST} cannot be read: {error}") from None


def check_files(manifest: Manifest, roots: dict[Root, Path]) -> None:
    """Compare each file with its digest. Raises ValueError that names the first damaged or missing file."""
    for each in manifest.files:
        path = roots[each.root] / each.path
        if ".." in path.parts or not path.resolve().is_relative_to(roots[each.root].resolve()):
            raise ValueError(f"{each.path} of the manifest is outside the backup")
        if not path.is_file():
            raise ValueError(f"{path} is missing; take an earlier backup")
        if path.stat().st_size != each.size or digest(path) != each.sha256:
            raise ValueError(f"{path} was changed since the backup; take an earlier backup")
