"""Read the tables of the Organisation Data Service (ODS) as NHS sites download them: CSV files without a header.

Columns that this module names are the same in all of these files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from openers.domain.administration.rights import Resource

CODE, NAME, ADDRESS, POSTCODE, CLOSED, STATUS, PARENT, LEFT, TELEPHONE, SETTING = 0, 1, 4, 9, 11, 12, 14, 16, 17, 25
"""Positions of columns. `PARENT` is the organisation of a site, and the commissioner of a practice until it `LEFT`."""
COLUMNS: Final = 18
"""Columns that each row has at least."""
PROPOSED: Final = "P"
"""Status of an organisation that is not open yet."""
GENERAL_PRACTICE: Final = "4"
"""Prescribing setting of a GP practice."""


class Table(NamedTuple):
    """A file of ODS: what its rows are, and the kind of its organisations."""

    resource: Resource
    kind: str = ""


TABLES: Final = {
    "epraccur": Table(Resource.ORGANISATIONS, "GP_PRACTICE"),
    "etr": Table(Resource.ORGANISATIONS, "PROVIDER"),
    "ephp": Table(Resource.ORGANISATIONS, "PROVIDER"),
    "eccg": Table(Resource.ORGANISATIONS, "COMMISSIONER"),
    "ets": Table(Resource.SITES),
    "ephpsite": Table(Resource.SITES),
    "ebranchs": Table(Resource.SITES),
}
"""The files by name: practices, trusts, independent providers, commissioners; sites of trusts, of independent
providers, and of practices."""


def record_of(table: str, row: Sequence[str]) -> dict[str, Any] | None:
    """Return the record in a row; `None` if it is not for us. Raises ValueError."""
    if len(row) < COLUMNS:
        raise ValueError(f"the row has {len(row)} columns, and a row of {table} has at least {COLUMNS}")
    resource, kind = TABLES[table]
    is_practice = kind == "GP_PRACTICE" and len(row) > SETTING
    if is_practice and (row[SETTING] != GENERAL_PRACTICE or row[STATUS] == PROPOSED):
        return None
    record: dict[str, Any] = {"ods": row[CODE]}
    if resource is Resource.SITES:
        record["organisation"] = row[PARENT]
    record |= {"name": row[NAME], "postcode": row[POSTCODE]}
    if row[CLOSED]:
        record["closed_on"] = _day(row[CLOSED])
    if resource is Resource.ORGANISATIONS:
        lines = [each.strip() for each in row[ADDRESS:POSTCODE]]
        record |= {"kind": kind, "address": ", ".join(filter(None, lines)), "telephone": row[TELEPHONE]}
    if kind == "GP_PRACTICE" and row[PARENT] and not (row[LEFT] or row[CLOSED]):
        record["commissioner"] = row[PARENT]
    return record


def _day(text: str) -> str:
    """Return a date as JSON has it. Raises ValueError."""
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        raise ValueError(f"the date {text} is not written as 20310331")
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"
