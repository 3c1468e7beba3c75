"""Read the files of an import row by row, never whole: CSV, NDJSON (one JSON record in each line), and ODS tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from openers.cli.admin import ods
from openers.cli.admin.kinds import KINDS
from openers.domain.administration.rights import Resource

LONGEST_LINE: Final = 1_000_000
"""Maximum bytes of a line; a longer record could not be sent."""
ORDER: Final = tuple(each for each in Resource if each is not Resource.WEBHOOKS)
"""The kinds that can be imported. A record refers only to records of earlier kinds and of its own."""
_BY_NAME: Final = {**{each.value: each for each in Resource}, **KINDS}

Tell = Callable[[int], object]
"""Receives the number of bytes that were read."""


class Row(NamedTuple):
    """One row of a file, with its line: a record, or why there is none."""

    line: int
    record: Any = None
    cause: str = ""
    cure: str = ""


class Source(NamedTuple):
    """A file to import: its format (csv, ndjson or an ODS table), and the kind of its records."""

    path: Path
    format: str
    resource: Resource


def source_of(path: Path, kind: str | None) -> Source:
    """Return what a file holds, by its name or by the kind that the caller names. Raises ValueError, OSError."""
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    stem, ending = path.stem.lower(), path.suffix.lower().lstrip(".")
    if ending == "jsonl":
        ending = "ndjson"
    if ending not in ("csv", "ndjson"):
        raise ValueError(f"{path}: the name of a file ends with .csv or .ndjson")
    if kind is None and stem in ods.TABLES and ending == "csv":
        return Source(path, stem, ods.TABLES[stem].resource)
    resource = _BY_NAME.get(kind or stem)
    if resource is None or resource not in ORDER:
        names = ", ".join(name for name, of in KINDS.items() if of in ORDER)
        raise ValueError(f"{path}: the name of the file does not tell its kind: use --kind with one of {names}")
    return Source(path, ending, resource)


def rows_of(source: Source, tell: Tell) -> Iterator[Row]:
    """Yield the rows of a file; rows of ODS that are of no use here are left out. Raises ValueError, OSError."""
    lines = _lines(source.path, tell)
    if source.format == "ndjson":
        yield from _json_rows(lines)
    elif source.format == "csv":
        yield from _csv_rows(source, lines)
    else:
        yield from _ods_rows(source, lines)


def _lines(path: Path, tell: Tell) -> Iterator[str]:
    """Yield the lines of a file with their ends. Bytes that are not UTF-8 become surrogates. Raises ValueError."""
    number = 0
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise ValueError(f"{path}, line {number}: the line has more than {LONGEST_LINE} bytes")
            tell(len(line))
            text = line.decode("utf-8", "surrogateescape")
            yield text.removeprefix("\ufeff") if number == 1 else text


def _json_rows(lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            _check_text(line)
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Row(number, None, f"the line is not JSON: {error}", "write one record in each line")
            continue
        if isinstance(record, dict):
            yield Row(number, record)
        else:
            yield Row(number, None, "the line is not a JSON object", "write one record in each line")


def _csv_rows(source: Source, lines: Iterator[str]) -> Iterator[Row]:
    from openers.wire.admin.cells import UnreadableCell, fields_of, record_of

    table = _table(source.path, lines)
    header = [name.strip() for name in next(table, (1, ()))[1]]
    key, *_ = known = fields_of(source.resource)
    wrong = [name for name in header if name not in known]
    if wrong or key not in header or len(set(header)) < len(header):
        cause = f"there is no column {wrong[0]}" if wrong else f"the column {key} is missing, or a column comes twice"
        raise ValueError(f"{source.path}, line 1: {cause}; use {', '.join(known)}")
    for line, cells in table:
        if len(cells) != len(header):
            cause = f"the row has {len(cells)} cells, and the header {len(header)}"
            yield Row(line, None, cause, "give each row a cell for each column")
            continue
        try:
            _check_text(*cells)
            yield Row(line, record_of(source.resource, dict(zip(header, cells, strict=True))))
        except UnreadableCell as error:
            yield Row(line, None, f"{error.cause} ({error.field})", "correct the cell")
        except ValueError as error:
            yield Row(line, None, str(error), "save the file as UTF-8")


def _ods_rows(source: Source, lines: Iterator[str]) -> Iterator[Row]:
    for line, cells in _table(source.path, lines):
        try:
            _check_text(*cells)
            record = ods.record_of(source.format, cells)
        except ValueError as error:
            yield Row(line, None, str(error), "download the file again")
            continue
        if record is not None:
            yield Row(line, record)


def _table(path: Path, lines: Iterator[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows of a CSV table that have cells, each with its first line. Raises ValueError."""
    reader = csv.reader(lines, strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}, line {line}: the row cannot be read: {error}") from None


def _check_text(*texts: str) -> None:
    """Raise ValueError if a text has bytes that were not UTF-8."""
    for text in texts:
        if not text.isascii() and any("\udc80" <= sign <= "\udcff" for sign in text):
            raise ValueError("the text is not UTF-8")
