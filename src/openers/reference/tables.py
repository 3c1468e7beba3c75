"""Reads the data files of this package: rows under a comment, made into values of the domain.

Called by `packaged.py`. The files ship with the code and are checked by the tests, so a fault in one is a fault of ours
and is raised as it comes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

import msgspec

from openers.domain.codes import (
    ClinicalTerm,
    CodeSystem,
    CodeSystemName,
    Concept,
    Property,
    PropertyKind,
    PropertyValue,
)
from openers.domain.geography import Point

DATA: Final = files("openers.reference")
DATES: Final = (Property("effectiveFrom", PropertyKind.DATE_TIME), Property("effectiveTo", PropertyKind.DATE_TIME))
"""Properties that the concepts of every system have; their values are fields of `Concept`."""


class SystemHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a code system is, beside its concepts."""

    name: CodeSystemName
    title: str
    description: str
    changed: datetime
    properties: tuple[Property, ...]


class _Headers(msgspec.Struct, frozen=True):
    systems: tuple[SystemHeader, ...]


def read_headers() -> dict[CodeSystemName, SystemHeader]:
    """The headers of all code systems."""
    headers = msgspec.toml.decode(_text("code_systems.toml"), type=_Headers)
    return {header.name: header for header in headers.systems}


def read_code_system(header: SystemHeader) -> CodeSystem:
    """The whole system, its concepts in the order of the file that is named like it."""
    rows = _rows(f"{header.name.lower().replace('-', '_')}.csv")
    concepts = (_concept(row, header.properties) for row in rows)
    return CodeSystem(
        name=header.name,
        title=header.title,
        description=header.description,
        changed=header.changed,
        properties=(*DATES, *header.properties),
        concepts={concept.code: concept for concept in concepts},
    )


def read_clinical_terms() -> Iterator[ClinicalTerm]:
    """Our own small dictionary."""
    for row in _rows("clinical_terms.csv"):
        yield ClinicalTerm(row["code"], row["display"], tuple(_pair(text) for text in row["leads_to"].split()))


def read_outward_codes() -> dict[str, Point]:
    """Where each outward code is, by its text: the mean of its postcodes."""
    rows = _rows("outward_codes.tsv", separator="\t")
    return {row["outward"]: Point(int(row["easting"]), int(row["northing"])) for row in rows}


def _text(file: str) -> str:
    return DATA.joinpath(file).read_text("utf-8")


def _rows(file: str, separator: str = ",") -> csv.DictReader[str]:
    lines = (line for line in _text(file).splitlines() if not line.startswith("#"))
    return csv.DictReader(lines, delimiter=separator, strict=True)


def _concept(row: dict[str, str], properties: tuple[Property, ...]) -> Concept:
    ended = row["effective_to"]
    return Concept(
        code=row["code"],
        display=row["display"],
        effective_from=_instant(row["effective_from"]),
        effective_to=_instant(ended) if ended else None,
        properties=tuple((each.code, _value(each, text)) for each in properties for text in row[each.code].split()),
    )


def _value(of: Property, text: str) -> PropertyValue:
    match of.kind:
        case PropertyKind.CODING:
            return text
        case PropertyKind.INTEGER:
            return int(text)
        case PropertyKind.BOOLEAN:
            return {"true": True, "false": False}[text]
        case PropertyKind.DATE_TIME:
            return _instant(text)


def _instant(text: str) -> datetime:
    """A date is the start of its day in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pair(text: str) -> tuple[str, str]:
    specialty, _, clinic_type = text.partition(":")
    return specialty, clinic_type
