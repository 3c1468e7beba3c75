"""A world as one file: a ZIP archive of its records, its files, its pack as it was read, its clock and its ids.

`openers world export` writes one and `openers world import` reads it. The manifest has the SHA-256 of every part, so a
damaged file is recognised before anything is written.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import msgspec

from openers.store.contents import Rows
from openers.store.engine.statements import encode
from openers.store.migrations import HEAD
from openers.worlds.running.running_world import WorldState

FORMAT: Final = 1
"""Version of the file's format."""
MANIFEST: Final = "world.json"
PACK: Final = "pack.json"
AT_ONCE: Final = 256 * 1024
"""Bytes read at a time."""
REVISION_DIGITS: Final = 4


class ArchiveRefused(ValueError):
    """A file that is not a world, is damaged, or comes from a newer version. The text gives cause and cure."""


class Manifest(msgspec.Struct, frozen=True):
    """What a file contains: its format, the schema of its records, its state, and the digest of each part."""

    format: int
    openers: str
    schema: str
    state: WorldState
    parts: dict[str, str]


class _OnlyFormat(msgspec.Struct, frozen=True):
    format: int
    openers: str


class ArchiveWriter:
    """Writes one file, part by part; `finish` adds the manifest."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write to `file`, which is open and empty."""
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._parts: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add a part."""
        with self.part(name) as write:
            write(content)

    @contextmanager
    def part(self, name: str) -> Generator[Callable[[bytes], None]]:
        """Add a part in pieces: the block gets a function that writes one."""
        digest = hashlib.sha256()
        with self._zip.open(name, "w", force_zip64=True) as part:

            def _write(piece: bytes) -> None:
                digest.update(piece)
                part.write(piece)

            yield _write
        self._parts[name] = digest.hexdigest()

    def add_rows(self, rows: Rows) -> None:
        """Add rows of a table as the next part."""
        coded = [rows.table, rows.columns, [*map(_coded, rows.rows)]]
        self.add(f"rows/{len(self._parts):06d}.json", encode(coded))

    def finish(self, state: WorldState) -> None:
        """Add the manifest; `close` then ends the file."""
        manifest = Manifest(FORMAT, version("openers"), HEAD, state, self._parts)
        self._zip.writestr(MANIFEST, msgspec.json.encode(manifest))

    def close(self) -> None:
        """End the file."""
        self._zip.close()


def _coded(row: Iterable[Any]) -> list[Any]:
    """Return a row as JSON values: bytes become an array with their base64."""
    return [[value] if isinstance(value, bytes) else value for value in row]


class Archive(NamedTuple):
    """An open file that has been checked."""

    zip: zipfile.ZipFile
    manifest: Manifest

    def part(self, name: str) -> bytes:
        """Return a part; empty if there is none. Raises ArchiveRefused."""
        return b"".join(self.pieces(name)) if name in self.manifest.parts else b""

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield a part in pieces."""
        with self.zip.open(name) as part:
            while piece := part.read(AT_ONCE):
                yield piece

    def rows(self) -> Iterator[Rows]:
        """Yield the rows. Raises ArchiveRefused."""
        for name in sorted(name for name in self.manifest.parts if name.startswith("rows/")):
            try:
                table, columns, rows = msgspec.json.decode(self.part(name), type=tuple[str, list[str], list[list[Any]]])
                yield Rows(table, tuple(columns), [tuple(map(_value, row)) for row in rows])
            except (ValueError, TypeError, RecursionError) as error:
                raise ArchiveRefused(f"its part {name} is not valid: {error}; export the world again") from error


def _value(coded: object) -> str | int | bytes | None:
    match coded:
        case [str() as text]:
            return base64.b64decode(text, validate=True)
        case bool() | float() | list() | dict():
            raise ValueError(f"{coded!r:.80} is not a value of a column")
        case _:
            return coded  # type: ignore[return-value]  # JSON has no other kinds


def open_archive(path: Path) -> Archive:
    """Open a file and check all its parts. Raises ArchiveRefused, OSError."""
    try:
        found = zipfile.ZipFile(path)
        manifest = _manifest(found.read(MANIFEST))
        names = frozenset(found.namelist()) - {MANIFEST}
        if names != frozenset(manifest.parts):
            raise ArchiveRefused("parts of it are missing; copy or export it again")
        archive = Archive(found, manifest)
        for name, digest in manifest.parts.items():
            if _digest(archive.pieces(name)) != digest:
                raise ArchiveRefused(f"its part {name} is damaged; copy or export it again")
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise ArchiveRefused("it is not an exported world, or it is damaged; copy or export it again") from error
    return archive


def _manifest(text: bytes) -> Manifest:
    """Return the manifest. Raises ArchiveRefused."""
    try:
        only = msgspec.json.decode(text, type=_OnlyFormat)
        if only.format > FORMAT:
            raise ArchiveRefused(f"OpenERS {only.openers} wrote it, which is newer than {version('openers')}: update")
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveRefused(f"its {MANIFEST} is damaged: {error}; copy or export it again") from error
    known = manifest.schema.isdecimal() and len(manifest.schema) == REVISION_DIGITS and manifest.schema <= HEAD
    if not known:
        raise ArchiveRefused(f"OpenERS {manifest.openers} wrote it, which is newer than {version('openers')}: update")
    return manifest


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
