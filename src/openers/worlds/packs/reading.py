"""Reads a pack: TOML to tables, tables completed, tables to structs, structs checked against each other."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import msgspec

from openers.domain.codes import ClinicalTerm
from openers.domain.credentials import Application
from openers.domain.directory import Organisation, Service, Site, User
from openers.domain.patient import Patient
from openers.worlds.packs.consistency import faults
from openers.worlds.packs.pack import Pack, PackError
from openers.worlds.people import generate

Row = dict[str, Any]
"""One TOML table; what is in it is known only once it has been converted."""

DATA: Final = files("openers.worlds.packs")
PUBLIC_PARTS: Final = frozenset({"kty", "n", "e", "kid", "use", "alg"})
"""The parts of an RSA key that a key set may show."""
KEYS: Final[Mapping[str, str]] = {"organisations": "ods", "users": "id", "services": "id", "patients": "nhs_number"}
"""Sections that a pack may change afterwards, with what their rows are known by."""
SECTIONS: Final[Mapping[str, type[msgspec.Struct]]] = {
    "organisations": Organisation,
    "sites": Site,
    "users": User,
    "services": Service,
    "applications": Application,
    "patients": Patient,
    "clinical_terms": ClinicalTerm,
}


def pack_names() -> list[str]:
    """The names of all packs."""
    return sorted(file.name.removesuffix(".toml") for file in DATA.iterdir() if _is_pack(file.name))


@cache
def read_pack(name: str) -> Pack:
    """The pack with this name, checked and complete, read once a process. Raises `PackError`."""
    if name not in pack_names():
        raise PackError(f"there is no pack {name!r}; there are: {', '.join(pack_names())}")
    return parse_pack(name, DATA.joinpath(f"{name}.toml").read_text("utf-8"), _scenes(name))


def parse_pack(name: str, text: str, scenes: Mapping[str, str] = MappingProxyType({})) -> Pack:
    """The pack that `text` describes. Raises `PackError`, naming every fault that can be told apart.

    `scenes` are the texts of its scenes by the names of their files.
    """
    try:
        tables = _based(tomllib.loads(text))
        tables["scenes"] = [{"name": name, **tomllib.loads(scene)} for name, scene in scenes.items()]
        pack = msgspec.convert(_completed(tables), Pack, dec_hook=_parse)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise PackError(f"pack {name}: {fault}") from fault
    found = [*_unknown_keys(tables), *faults(pack)]
    if found:
        raise PackError("\n".join(f"pack {name}: {fault}" for fault in found))
    return _peopled(pack)


def _scenes(name: str) -> Mapping[str, str]:
    """The texts of a pack's scenes, in the order of their files."""
    folder = DATA.joinpath(name)
    if not folder.is_dir():
        return {}
    scenes = sorted((file for file in folder.iterdir() if _is_pack(file.name)), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): file.read_text("utf-8") for file in scenes}


def _based(tables: Row) -> Row:
    """The tables, with those of the pack that they are based on: lists are joined, everything else is replaced."""
    base = tables.pop("based_on", None)
    without = tables.pop("without", [])
    if base is None:
        return tables
    if base not in pack_names():
        raise PackError(f"there is no pack {base!r} to be based on")
    merged = _based(tomllib.loads(DATA.joinpath(f"{base}.toml").read_text("utf-8")))
    for name in without:
        merged.pop(name, None)
    for name, table in tables.items():
        merged[name] = [*merged.get(name, []), *table] if isinstance(table, list) else table
    return merged


def _is_pack(file: str) -> bool:
    return file.endswith(".toml")


def _parse(kind: type, text: str) -> str:
    """Identifiers parse themselves and raise `ValueError`, which msgspec reports with its place."""
    return kind(text)


def _completed(tables: Row) -> Row:
    """The tables with everything in them that would only be repeated by hand."""
    sites = {site.get("ods"): site for site in tables.get("sites", ())}
    registrations: list[Row] = tables.get("applications", [])
    return {
        **tables,
        "afterwards": _afterwards(tables, tables),
        "scenes": [{**scene, "afterwards": _afterwards(tables, scene)} for scene in tables.get("scenes", ())],
        "services": [_placed(service, sites) for service in tables.get("services", ())],
        "applications": [_registered(row) for row in registrations],
        "secrets": {row.get("client_id"): row["secret"] for row in registrations if "secret" in row},
        "private_keys": {row.get("client_id"): _private_key(row["key"]) for row in registrations if "key" in row},
    }


def _afterwards(tables: Row, holder: Row) -> Row:
    """What is different in the end, or in a scene, as whole rows."""
    return {section: _changed(tables, section, rows) for section, rows in holder.get("afterwards", {}).items()}


def _changed(tables: Row, section: str, rows: list[Row]) -> list[Row]:
    """Rows that name a key and what is different in the end, as whole rows."""
    if section not in KEYS:
        raise PackError(f"$.afterwards.{section}: only these can change: {', '.join(KEYS)}")
    key = KEYS[section]
    known = {row.get(key): row for row in tables.get(section, ())}
    sites = {site.get("ods"): site for site in tables.get("sites", ())}
    whole = [{**known.get(row.get(key), {}), **row} for row in rows]
    return [_placed(row, sites) for row in whole] if section == "services" else whole


def _placed(service: Row, sites: Mapping[str, Row]) -> Row:
    """A service, at its site unless it says otherwise."""
    site = sites.get(service.get("site", ""))
    return service if site is None else {"location_name": site.get("name"), "postcode": site.get("postcode"), **service}


def _registered(row: Row) -> Row:
    """An application as it is registered: the hash of its secret, the public part of its key, for tests only."""
    known = {name: value for name, value in row.items() if name not in ("secret", "key")}
    if "secret" in row:
        known["secret_sha256"] = hashlib.sha256(str(row["secret"]).encode()).hexdigest()
    if "key" in row:
        private = _private_key(row["key"])
        known["keys"] = {"keys": [{part: value for part, value in private.items() if part in PUBLIC_PARTS}]}
    return {"asid": None, **known, "test_only": True}


def _private_key(name: str) -> dict[str, str]:
    file = DATA.joinpath("keys", f"{name}.json")
    if not file.is_file():
        raise PackError(f"there is no key keys/{name}.json")
    return json.loads(file.read_text("utf-8"))


def _unknown_keys(tables: Row) -> Iterator[str]:
    """Keys that no struct has: most likely misspelt."""
    for section, kind in SECTIONS.items():
        known = {field.name for field in msgspec.structs.fields(kind)}
        known |= {"secret", "key"} if kind is Application else set()
        for index, row in enumerate(tables.get(section, ())):
            yield from (f"$.{section}[{index}]: unknown key `{key}`" for key in row if key not in known)


def _peopled(pack: Pack) -> Pack:
    """The pack with its crowd among its patients."""
    if pack.crowd is None:
        return pack
    named = frozenset(patient.nhs_number for patient in pack.patients)
    return msgspec.structs.replace(pack, patients=(*pack.patients, *generate(pack.crowd, pack.day, named)))
