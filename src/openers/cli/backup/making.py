"""Make a backup while services run.

The databases are copied before the files beside them: a file is stored before the record that names it, so each record
in a copy has its file, unless that was deleted meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from openers.cli.audit import verify_audit
from openers.cli.backup import postgres_tools
from openers.cli.backup.copying import copy_file, digest, files_below, make_folder
from openers.cli.backup.manifest import Copied, Kind, Manifest, Root
from openers.cli.backup.parts import BLOBS, DATABASE, Part, is_secret, is_wanted, parts_of
from openers.settings import Settings
from openers.store.contents import blob_keys
from openers.store.sqlite_copies import copy_sqlite, is_sqlite
from openers.system import SystemClock

SQLITE, DUMP = f"{DATABASE}.sqlite", f"{DATABASE}.dump"
_DATA: Final[Root] = "data"
_KEYS: Final[Root] = "keys"


class _Found(NamedTuple):
    part: Part
    path: Path

    @property
    def root(self) -> Root:
        return _KEYS if is_secret(self.part, self.path) else _DATA

    @property
    def is_database(self) -> bool:
        """Return whether it is copied as a database. A content never is: it comes from an upload."""
        return self.part.name != BLOBS and is_sqlite(self.path)

    @property
    def name(self) -> str:
        below = self.path.relative_to(self.part.path)
        return str(Path(self.part.name) / below) if below.parts else self.part.name


class How(NamedTuple):
    """How a backup is made: by which release, and whether the database is copied too."""

    release: str
    with_database: bool = True


async def make_backup(settings: Settings, roots: dict[Root, Path], how: How) -> Manifest:
    """Copy a store into two new folders, data and keys; return the manifest, which is also saved with the data.

    The audit is verified first. Raises ValueError (damaged audit, a folder that is not empty, a failed program, a
    missing content), SettingsError, Unavailable, OSError. Without its manifest a backup is not whole.
    """
    _check_folders(settings, roots)
    verified = await verify_audit(settings, [])
    if verified.findings:
        raise ValueError(f"the audit is damaged, and no backup was made: {verified.findings[0].text}")
    named = await _copy_store(settings, roots[_DATA], how)
    for databases in (True, False):
        for each in _files(parts_of(settings)):
            _copy(each, roots[each.root] / each.name, databases=databases)
    await _check_contents(settings, named, roots[_DATA])
    made_at = SystemClock().now().isoformat()
    kind: Kind = "postgresql" if settings.sqlite_path is None else "sqlite"
    files = list(_listed(roots))
    manifest = Manifest(how.release, made_at, kind, how.with_database, heads=verified.heads, files=files)
    manifest.save(roots[_DATA])
    return manifest


def _check_folders(settings: Settings, roots: dict[Root, Path]) -> None:
    """Make the folders. Raises ValueError: one is in the other or in a part of the store, or is not empty."""
    data, keys = (folder.resolve() for folder in roots.values())
    if data.is_relative_to(keys) or keys.is_relative_to(data):
        raise ValueError(f"{keys} and {data} must be apart: name another folder with --keys")
    for folder in (data, keys):
        make_folder(folder)
        if any(folder.iterdir()):
            raise ValueError(f"{folder} is not empty: name a new folder for each backup")
        if any(folder.is_relative_to(part.path.resolve()) for part in parts_of(settings)):
            folder.rmdir()
            raise ValueError(f"{folder} would belong to the store: name a folder elsewhere")


async def _copy_store(settings: Settings, folder: Path, how: How) -> set[str]:
    """Copy the database; return the keys of the contents that its records name."""
    if settings.sqlite_path is not None:
        copy_sqlite(settings.sqlite_path, folder / SQLITE)
        return await blob_keys(f"sqlite:///{folder / SQLITE}")
    named = await blob_keys(settings.database_url)
    if how.with_database:
        postgres_tools.dump(settings.database_url, folder / DUMP)
    return named


async def _check_contents(settings: Settings, named: set[str], folder: Path) -> None:
    """Check that the content of each file was copied. Raises ValueError.

    A content that no record names any more was deleted meanwhile. Contents in S3 are not copied, nor checked.
    """
    if not settings.blob_url.startswith("file:"):
        return
    missing = {key for key in named if not (folder / BLOBS / key[:2] / key).exists()}
    if missing and (lost := missing & await blob_keys(settings.database_url)):
        raise ValueError(f"the contents of {len(lost)} files are missing in {settings.blob_url}, one is {min(lost)}")


def _files(parts: Iterable[Part]) -> Iterator[_Found]:
    """Yield each file once, with the first part that has it."""
    seen = set[Path]()
    for part in parts:
        for path in files_below(part.path):
            if is_wanted(path) and path.absolute() not in seen:
                seen.add(path.absolute())
                yield _Found(part, path)


def _copy(found: _Found, target: Path, *, databases: bool) -> None:
    """Copy a database, or with `databases` false any other file that is not there yet."""
    try:
        if found.is_database == databases and not target.exists():
            make_folder(target.parent)
            (copy_sqlite if databases else copy_file)(found.path, target)
    except FileNotFoundError:
        if found.path.exists():
            raise  # a file that was deleted meanwhile belongs to no record


def _listed(roots: dict[Root, Path]) -> Iterator[Copied]:
    for root, folder in roots.items():
        for path in files_below(folder):
            yield Copied(root, str(path.relative_to(folder)), path.stat().st_size, digest(path))
