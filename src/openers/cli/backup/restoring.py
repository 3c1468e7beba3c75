"""Restore a backup into places where nothing is, and prove that it is whole.

The database comes last: a restore that was interrupted leaves no store that a service would open.
"""

from __future__ import annotations

from pathlib import Path

from openers.cli.audit import Verified, verify_audit
from openers.cli.backup import postgres_tools
from openers.cli.backup.copying import copy_file
from openers.cli.backup.making import DUMP, SQLITE
from openers.cli.backup.manifest import Kind, Manifest, Root, check_files, read_manifest
from openers.cli.backup.parts import place_of
from openers.places import files_of
from openers.settings import Settings
from openers.store.opening import holds_tables


async def restore_backup(settings: Settings, roots: dict[Root, Path]) -> tuple[Manifest, Verified]:
    """Restore a store; return the manifest, and the audit as verified against the heads of the backup.

    Raises ValueError (a damaged backup, another kind of database, a place that is taken), SettingsError, Unavailable,
    OSError. Nothing is written before all files and places are checked.
    """
    manifest = read_manifest(roots["data"])
    kind: Kind = "postgresql" if settings.sqlite_path is None else "sqlite"
    if manifest.database != kind:
        raise ValueError(f"the backup is of {manifest.database}: name such a database with OPENERS_DATABASE_URL")
    check_files(manifest, roots)
    places = _places(settings, manifest, roots)
    # A log that a crashed process left would be read into the restored database.
    found = (*places.values(), *files_of(settings.database_url))
    taken = sorted({str(place) for place in found if place.exists()})
    if kind == "postgresql" and await holds_tables(settings.database_url) == manifest.has_database:
        if not manifest.has_database:
            raise ValueError("the backup is without database: restore that first, with the programs of PostgreSQL")
        taken.append("the database")
    if taken:
        raise ValueError(f"{taken[0]} exists already, as do {len(taken) - 1} others: restore where no store is")
    database = settings.sqlite_path
    for source, place in places.items():
        if place != database:
            copy_file(source, place)
    if database is None and manifest.has_database:
        postgres_tools.load(settings.database_url, roots["data"] / DUMP)
    if database is not None:
        unfinished = database.with_name(f"{database.name}.restored")
        unfinished.unlink(missing_ok=True)
        copy_file(roots["data"] / SQLITE, unfinished)
        unfinished.replace(database)
    return manifest, await verify_audit(settings, manifest.heads)


def _places(settings: Settings, manifest: Manifest, roots: dict[Root, Path]) -> dict[Path, Path]:
    """Return the place of each file of the backup in the store, but that of a dump, which has none."""
    places = dict[Path, Path]()
    for each in manifest.files:
        source = roots[each.root] / each.path
        if each.path == SQLITE and settings.sqlite_path is not None:
            places[source] = settings.sqlite_path
        elif each.path != DUMP:
            name, *below = Path(each.path).parts
            places[source] = place_of(settings, name).joinpath(*below)
    return places
