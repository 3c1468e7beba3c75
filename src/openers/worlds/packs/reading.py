"""Read a pack: parse TOML, complete the tables, convert them to structs, and check these against each other."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from openers.domain.codes import ClinicalTerm
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.patient import Patient
from openers.worlds.packs.consistency import faults
from openers.worlds.packs.pack import Pack, PackError
from openers.worlds.packs.people import generate
from openers.worlds.packs.shape import File, Moment

Row = dict[str, Any]
"""One TOML table, not validated before its conversion."""

DATA: Final = files("openers.worlds.packs")
ENDING: Final = ".toml"
LONGEST_LINE: Final = 16
"""Maximum length of a chain of packs that are based on each other."""
DERIVED: Final[Mapping[str, str]] = {
    "scenes": "scenes are files of their own, in the folder {name}/ beside it, or `scenes` beside `toml` over HTTP",
    "secrets": "each of `applications` has its own `secret`",
    "private_keys": "each of `applications` names its own `key`",
    "reference": "it is the name or path by which the pack was read",
    "read_as": "it is the file in which the service stores the pack's value",
}
"""Fields of a pack that its file must not contain, with their source."""
Stamp = tuple[tuple[str, int, int], ...]
"""Names, times of change and sizes of the files of a pack."""
PUBLIC_PARTS: Final = frozenset({"kty", "n", "e", "kid", "use", "alg"})
"""The parts of an RSA key that may be public."""
KEY_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
KEYS: Final[Mapping[str, str]] = {"organisations": "ods", "users": "id", "services": "id", "patients": "nhs_number"}
"""Sections that `afterwards` may change, with the key of their rows."""
SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "organisations": Organisation,
    "sites": Site,
    "users": User,
    "services": Service,
    "applications": Application,
    "patients": Patient,
    "clinical_terms": ClinicalTerm,
    "endpoints": Endpoint,
}


def pack_names() -> list[str]:
    """Return the names of the packs of this package."""
    return sorted(file.name.removesuffix(ENDING) for file in DATA.iterdir() if _is_pack(file.name))


def is_path(reference: str) -> bool:
    """Return whether a pack is given as the path of its file, not as a name."""
    return "/" in reference or "\\" in reference or reference.endswith(ENDING)


def reference_to(given: str, folder: Path) -> str:
    """Return the absolute reference of a pack: its name, or its path, resolved in `folder`."""
    return str((folder / given).resolve()) if is_path(given) else given


def world_name(reference: str) -> str:
    """Return the name of a world with a pack: the pack's own, or `demo` if that is not a valid world name."""
    name = Path(reference).stem.lower() if is_path(reference) else reference
    return name if re.fullmatch(r"[a-z0-9-]{1,40}", name) else "demo"


def knows_pack(reference: str) -> bool:
    """Return whether the pack exists: a name of this package, or the path of a file."""
    return Path(reference).is_file() if is_path(reference) else reference in pack_names()


def read_pack(reference: str) -> Pack:
    """Return the checked and complete pack; read it again if one of its files has changed. Raises `PackError`.

    `reference` is a name of this package or the path of a TOML file.
    """
    if not knows_pack(reference):
        raise PackError(f"there is no pack {reference!r}; there are: {', '.join(pack_names())}, and files by path")
    return _read(reference, stamp_of(reference))


def stamp_of(reference: str) -> Stamp:
    """Return the names, times and sizes of all files that the pack is read from: its own, scenes and bases."""
    folders, file = {Path(str(DATA))}, _file_of(reference)
    for _ in range(LONGEST_LINE):
        folders |= {file.parent, file.with_suffix("")}
        base = _base_of(str(file), *_times(file))
        if not is_path(base):
            break
        file = Path(reference_to(base, file.parent))
    found = sorted(file for folder in folders for file in folder.glob(f"*{ENDING}"))
    return tuple((str(file), *_times(file)) for file in found)


def _times(file: Path) -> tuple[int, int]:
    """Return when a file changed, and its size; zeros if it does not exist."""
    try:
        told = file.stat()
    except OSError:
        return 0, 0
    return told.st_mtime_ns, told.st_size


@lru_cache(maxsize=64)
def _base_of(file: str, _changed: int, _size: int) -> str:
    """Return the base of the pack in a file; empty if it is unreadable, which reading the pack then reports."""
    try:
        return str(tomllib.loads(Path(file).read_text("utf-8")).get("based_on", ""))
    except (OSError, ValueError, RecursionError):
        return ""


@lru_cache(maxsize=16)
def _read(reference: str, _stamp: Stamp) -> Pack:
    file = _file_of(reference)
    try:
        pack = parse_pack(file.stem, file.read_text("utf-8"), scenes_of(file), file.parent)
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"pack {reference}: {error}") from error
    return msgspec.structs.replace(pack, reference=reference)


def _file_of(reference: str) -> Path:
    return Path(reference) if is_path(reference) else Path(str(DATA), f"{reference}{ENDING}")


def parse_pack(
    name: str, text: str, scenes: Mapping[str, str] = MappingProxyType({}), folder: Path | None = None
) -> Pack:
    """Return the pack that `text` describes. Raises `PackError` with each fault found.

    `name` is used if the text has no `name`. `scenes` are the texts of its scenes by file name. `folder` contains packs
    that it may be based on by path; without it only packs of this package are allowed.
    """
    try:
        tables = _based({"name": name, **_said(name, text)}, folder)
        tables["scenes"] = [_moment(scene, text) for scene, text in scenes.items()]
        pack = msgspec.convert(_completed(tables), Pack, dec_hook=_parse)
    except (ValueError, RecursionError, msgspec.ValidationError) as fault:
        raise PackError(str(fault) if str(fault).startswith("pack ") else f"pack {name}: {fault}") from fault
    found = [*_unknown_keys(tables), *faults(pack)]
    if found:
        raise PackError("\n".join(f"pack {name}: {fault}" for fault in found))
    return _peopled(pack)


def scenes_of(pack: Path) -> Mapping[str, str]:
    """Return the texts of a pack's scenes by name, in the order of their files. Raises OSError."""
    folder = pack.with_suffix("")
    if not folder.is_dir():
        return {}
    scenes = sorted((file for file in folder.iterdir() if _is_pack(file.name)), key=lambda file: file.name)
    return {file.name.removesuffix(ENDING): file.read_text("utf-8") for file in scenes}


def _said(name: str, text: str) -> Row:
    """Return the tables in a pack's file. Raises `PackError` for tables that are derived."""
    tables = tomllib.loads(text)
    derived = [f"`{key}`: not allowed in the file of a pack: {DERIVED[key]}" for key in tables if key in DERIVED]
    if derived:
        raise PackError("\n".join(f"pack {name}: {each.format(name=name)}" for each in derived))
    msgspec.convert(tables, File)
    return tables


def _moment(name: str, text: str) -> Row:
    """Return the tables of a scene's file."""
    tables = {"name": name, **tomllib.loads(text)}
    msgspec.convert(tables, Moment)
    return tables


def _based(tables: Row, folder: Path | None, above: tuple[Path, ...] = ()) -> Row:
    """Return the tables merged with those of their base pack: lists are joined, other values replaced.

    `above` are the files that are based on this one.
    """
    base = tables.pop("based_on", None)
    without = tables.pop("without", [])
    if base is None:
        return tables
    file = _base_file(str(base), folder)
    if file in above or len(above) >= LONGEST_LINE:
        what = "is based on itself" if file in above else f"is number {LONGEST_LINE + 1} in a chain of bases"
        raise PackError(f"{file.name} {what}")
    merged = _based(_said(file.stem, file.read_text("utf-8")), file.parent, (*above, file))
    for name in without:
        merged.pop(name, None)
    for name, table in tables.items():
        before = merged.get(name, [])
        merged[name] = [*before, *table] if isinstance(table, list) and isinstance(before, list) else table
    return merged


def _base_file(base: str, folder: Path | None) -> Path:
    """Return the file of the base of a pack in `folder`. Raises `PackError`."""
    if folder is None and is_path(base):
        raise PackError(
            f"there is no base pack {base!r}: an uploaded pack cannot be based on a path. "
            "Name a pack of the service, merge both into one file, or start the service with --world and the path"
        )
    reference = reference_to(base, folder or Path())
    if not knows_pack(reference):
        raise PackError(f"there is no base pack {base!r}; there are: {', '.join(pack_names())}")
    return _file_of(reference)


def _is_pack(file: str) -> bool:
    return file.endswith(ENDING)


def _parse(kind: type, text: str) -> str:
    """Return the identifier; an invalid one raises `ValueError`, which msgspec reports with its place."""
    return kind(text)


def _completed(tables: Row) -> Row:
    """Return the tables completed with derived values."""
    sites = {site.get("ods"): site for site in tables.get("sites", ())}
    registrations: list[Row] = tables.get("applications", [])
    return {
        **tables,
        "afterwards": _afterwards(tables, tables),
        "scenes": [{**scene, "afterwards": _afterwards(tables, scene)} for scene in tables.get("scenes", ())],
        "services": [_placed(service, sites) for service in tables.get("services", ())],
        "applications": [_registered(row) for row in registrations],
        "secrets": {row.get("client_id"): row["secret"] for row in registrations if "secret" in row},
        "private_keys": {row.get("client_id"): _private_key(str(row["key"])) for row in registrations if "key" in row},
    }


def _afterwards(tables: Row, holder: Row) -> Row:
    """Return the changes of `afterwards` as whole rows."""
    return {section: _changed(tables, section, rows) for section, rows in holder.get("afterwards", {}).items()}


def _changed(tables: Row, section: str, rows: list[Row]) -> list[Row]:
    """Return whole rows, built from rows that contain a key and the changed fields."""
    if section not in KEYS:
        raise PackError(f"$.afterwards.{section}: only these can change: {', '.join(KEYS)}")
    key = KEYS[section]
    known = {row.get(key): row for row in tables.get(section, ())}
    sites = {site.get("ods"): site for site in tables.get("sites", ())}
    whole = [{**known.get(row.get(key), {}), **row} for row in rows]
    return [_placed(row, sites) for row in whole] if section == "services" else whole


def _placed(service: Row, sites: Mapping[str, Row]) -> Row:
    """Return a service with its site's location, unless it has its own."""
    site = sites.get(service.get("site", ""))
    return service if site is None else {"location_name": site.get("name"), "postcode": site.get("postcode"), **service}


def _registered(row: Row) -> Row:
    """Return a registered application: the hash of its secret, the public part of its key, test only."""
    known = {name: value for name, value in row.items() if name not in ("secret", "key")}
    if "secret" in row:
        known["secret_sha256"] = hashlib.sha256(str(row["secret"]).encode()).hexdigest()
    if "key" in row:
        private = _private_key(str(row["key"]))
        known["keys"] = {"keys": [{part: value for part, value in private.items() if part in PUBLIC_PARTS}]}
    return {"asid": None, **known, "test_only": True}


def _private_key(name: str) -> dict[str, str]:
    file = DATA.joinpath("keys", f"{name}.json")
    if not KEY_NAME.fullmatch(name) or not file.is_file():
        raise PackError(f"there is no key keys/{name}.json")
    return json.loads(file.read_text("utf-8"))


def _unknown_keys(tables: Row) -> Iterator[str]:
    """Yield unknown keys, which are probably misspelt."""
    for section, kind in SECTIONS.items():
        known = {field.name for field in msgspec.structs.fields(kind)}
        known |= {"secret", "key"} if kind is Application else set()
        for index, row in enumerate(tables.get(section, ())):
            yield from (f"$.{section}[{index}]: unknown key `{key}`" for key in row if key not in known)


def _peopled(pack: Pack) -> Pack:
    """Return the pack with its generated crowd among its patients."""
    if pack.crowd is None:
        return pack
    named = frozenset(patient.nhs_number for patient in pack.patients)
    return msgspec.structs.replace(pack, patients=(*pack.patients, *generate(pack.crowd, pack.day, named)))
