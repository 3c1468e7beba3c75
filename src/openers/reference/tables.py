"""Reads this package's data files: rows under a comment, converted to values of the domain.

`packaged.py` calls this module. The files ship with the code and tests check them. An error in a file is therefore a
defect of ours, and its exception is not converted.
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
    """The description of a code system, without its concepts."""

    name: CodeSystemName
    title: str
    description: str
    changed: datetime
    properties: tuple[Property, ...]


class _Headers(msgspec.Struct, frozen=True):
    systems: tuple[SystemHeader, ...]


def read_headers() -> dict[CodeSystemName, SystemHeader]:
    """Return the headers of all code systems."""
    headers = msgspec.toml.decode(_text("code_systems.toml"), type=_Headers)
    return {header.name: header for header in headers.systems}


def read_code_system(header: SystemHeader) -> CodeSystem:
    """Return the whole system, with its concepts in the order of the file named after it."""
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
    """Yield the terms of our own small dictionary."""
    for row in _rows("clinical_terms.csv"):
        yield ClinicalTerm(row["code"], row["display"], tuple(_pair(text) for text in row["leads_to"].split()))


def read_outward_codes() -> dict[str, Point]:
    """Return the location of each outward code: the mean of its postcodes."""
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
    """Return the instant of `text`; a date means the start of its day in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _pair(text: str) -> tuple[str, str]:
    specialty, _, clinic_type = text.partition(":")
    return specialty, clinic_type
