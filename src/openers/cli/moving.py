"""`openers world export` and `openers world import`: a world as one file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import msgspec

from openers.bootstrap import open_blobs
from openers.cli.demo import only_in_test_mode
from openers.cli.writing import writing_world
from openers.domain.access_code import AccessCode
from openers.domain.identifiers import FileId, Ubrn
from openers.identity.access_codes import AesCodeSeal
from openers.key_files import read_or_make_key
from openers.settings import Settings, SettingsError
from openers.store.contents import Rows, read_contents, write_contents
from openers.store.engine.statements import Row, encode
from openers.usecases.ports.files import Blobs
from openers.worlds.contents.archive import PACK, Archive, ArchiveRefused, ArchiveWriter, open_archive
from openers.worlds.mode import worlds_directory
from openers.worlds.packs import pack_from, store_value
from openers.worlds.running.ids import IdsState
from openers.worlds.running.running_world import WorldState
from openers.worlds.running.snapshots import Snapshots

CODES: Final = "access_codes"
FILES: Final = "files"


class Moved(NamedTuple):
    """What was exported or imported: the numbers of records and of files, and the pack."""

    records: int
    files: int
    pack: str


async def export_world(settings: Settings, path: Path) -> Moved:
    """Write the world in the database to a new file, also while a service runs.

    Raises Unavailable, SettingsError, PackError, OSError.
    """
    only_in_test_mode(settings)
    state = Snapshots(worlds_directory(settings)).main() or WorldState(pack=settings.world, ids=IdsState(0))
    unfinished = path.with_name(f"{path.name}.part")
    blobs = open_blobs(settings)
    try:
        with unfinished.open("wb") as file, closing(ArchiveWriter(file)) as archive:
            moved = await _write(archive, state, (settings, blobs))
        unfinished.replace(path)
    finally:
        await blobs.close()
        unfinished.unlink(missing_ok=True)
    return moved


async def _write(archive: ArchiveWriter, state: WorldState, source: tuple[Settings, Blobs]) -> Moved:
    """Write all parts of the file."""
    settings, blobs = source
    seal, count, files = _seal(settings), 0, list[str]()
    async for rows in read_contents(settings.database_url):
        if rows.table == CODES:
            rows = _changed(rows, lambda ubrn, sealed: seal.open(sealed, Ubrn(ubrn)).encode())
        elif rows.table == FILES:
            files += (str(blob) for _, blob in _pairs(rows, ("id", "blob")))
        archive.add_rows(rows)
        count += len(rows.rows)
    for key in files:
        with archive.part(f"blobs/{key}") as write:
            async for piece in blobs.read(key):
                write(piece)
    pack = state.content_of_pack
    if pack is not None:
        archive.add(PACK, encode(pack))
    archive.finish(state)
    return Moved(count, len(files), state.pack)


async def import_world(settings: Settings, path: Path) -> Moved:
    """Make a new SQLite database, with its files and its state, from an exported world.

    Raises SettingsError, Unavailable, PackError, ValueError (the file is refused), OSError. Nothing is made then.
    """
    only_in_test_mode(settings)
    target = settings.sqlite_path
    if target is None:
        raise SettingsError(("openers world import writes a sqlite:/// database: name one with --database-url",))
    if target.exists():
        raise SettingsError((f"{target} exists already: name a new database with --database-url",))
    try:
        archive = open_archive(path)
        with archive.zip:
            moved = await _make(settings, target, archive)
    except SettingsError:
        raise
    except ValueError as error:
        raise ValueError(f"{path} cannot be imported: {error}") from error
    async with writing_world(settings, "Import world") as world:
        await world.store.record_audit(world.entry)
    return moved


async def _make(settings: Settings, target: Path, archive: Archive) -> Moved:
    """Write the database beside its place, then its files and its state, and move it there as the last step."""
    state, files = archive.manifest.state, list[tuple[str, str]]()
    seal, snapshots = _seal(settings), Snapshots(worlds_directory(settings))

    def _resealed() -> Iterator[Rows]:
        for rows in archive.rows():
            if rows.table == FILES:
                files.extend((str(file), str(blob)) for file, blob in _pairs(rows, ("id", "blob")))
            is_codes = rows.table == CODES
            yield _changed(rows, lambda ubrn, code: seal.close(AccessCode(code.decode()), ubrn)) if is_codes else rows

    pack = pack_from(value) if (value := archive.part(PACK)) else None
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{target.name}.", dir=target.parent) as folder:
        made = Path(folder) / target.name
        count = write_contents(made, archive.manifest.schema, _resealed())
        await _store_files(settings, archive, files)
        read_as = "" if pack is None else store_value(pack, snapshots.loaded).read_as
        snapshots.put_main(msgspec.structs.replace(state, read_as=read_as))
        made.replace(target)
    return Moved(count, len(files), state.pack)


async def _store_files(settings: Settings, archive: Archive, files: Iterable[tuple[str, str]]) -> None:
    """Store the contents of the files. Raises ArchiveRefused, Unavailable."""
    blobs = open_blobs(settings)
    try:
        for file, key in files:
            if f"blobs/{key}" not in archive.manifest.parts:
                raise ArchiveRefused(f"the content of its file {file} is missing; export the world again")
            stored = await blobs.save(FileId(file), _pieces(archive, key))
            if stored.key != key:
                raise ArchiveRefused(f"the content of its file {file} is not the one that was uploaded")
    finally:
        await blobs.close()


async def _pieces(archive: Archive, key: str) -> AsyncIterator[bytes]:
    for piece in archive.pieces(f"blobs/{key}"):
        yield piece


def _seal(settings: Settings) -> AesCodeSeal:
    """Return the seal of access codes, which has another key at each service."""
    return AesCodeSeal(read_or_make_key(settings.access_code_key_file))


def _changed(rows: Rows, change: Callable[[Ubrn, bytes], bytes]) -> Rows:
    """Return rows of access codes with each code changed."""
    ubrn, sealed = rows.columns.index("ubrn"), rows.columns.index("sealed")

    def _one(row: Row) -> Row:
        return *row[:sealed], change(Ubrn(row[ubrn]), row[sealed]), *row[sealed + 1 :]

    return rows._replace(rows=[_one(row) for row in rows.rows])


def _pairs(rows: Rows, names: tuple[str, str]) -> Iterator[Row]:
    """Yield two columns of the rows."""
    first, second = (rows.columns.index(name) for name in names)
    return ((row[first], row[second]) for row in rows.rows)
