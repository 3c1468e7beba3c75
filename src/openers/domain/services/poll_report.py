"""What a PAS sent at the last poll of a service, and what became of each row: bounded, and without patients.

Elements that the contract with a PAS names are kept as they came. Of every other one only the name is kept, because its
value could name a patient, and what looks like an NHS number is never kept. Source: rules part 3, A.6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from openers.domain.clock import Instant
from openers.domain.identifiers import ServiceId, without_nhs_numbers
from openers.domain.slots import Became, PolledSlot

MOST_ROWS: Final = 50
"""Rows of a report. Rows that changed nothing are left out first."""
MOST_ITEMS: Final = 20
"""Items of a list, and elements of an object, that a row keeps."""
LONGEST_TEXT: Final = 200
"""Characters of a text that a row keeps."""
LONGEST_ROW_BYTES: Final = 4 * 1024
"""Bytes of a masked row. Of a longer one only what was read of it is kept."""
MASKED: Final = "(masked)"
_Elements = Mapping[str, "_Elements | None"]
_CODINGS: Final[_Elements] = {"coding": {"system": None, "code": None}}
_CONTRACT: Final[_Elements] = {
    **dict.fromkeys(("resourceType", "id", "status", "start", "end")),
    "identifier": {"system": None, "value": None},
    "schedule": {"reference": None},
    "serviceType": _CODINGS,
}
"""The elements of a slot that the contract with a PAS names."""
_elements: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Row(msgspec.Struct, frozen=True):
    """One row of a poll, masked, and what became of it."""

    became: Became
    sent: dict[str, Any]


class PollReport(msgspec.Struct, frozen=True, kw_only=True):
    """The last poll of a service: the period that was asked for, and since when changes (`None`: all slots).

    `sent` is the number of rows that the PAS sent, `changed` that of changed slots, `vanished` that of free slots which
    a poll of all slots did not find any more. `problem` says why the poll failed; then no slot has changed.
    """

    service: ServiceId
    at: Instant
    start: Instant
    end: Instant
    since: Instant | None = None
    sent: int = 0
    changed: int = 0
    vanished: int = 0
    rows: tuple[Row, ...] = ()
    problem: str = ""


def rows_of(told: Sequence[PolledSlot], became: Mapping[str, Became]) -> tuple[Row, ...]:
    """Return the rows that a report keeps, those that changed something first."""
    ordered = sorted(told, key=lambda each: became[each.pas_id] is Became.UNCHANGED)
    return tuple(Row(became[each.pas_id], masked(each)) for each in ordered[:MOST_ROWS])


def masked(slot: PolledSlot) -> dict[str, Any]:
    """Return a row as it was sent, with masked values; what was read of it if the row is not at hand, or too long."""
    row = _read(slot.sent) if slot.sent else None
    if row is None or len(msgspec.json.encode(row)) > LONGEST_ROW_BYTES:
        status = "free" if slot.free else "busy"
        id = _cut(slot.pas_id)
        return {"id": id, "status": status, "start": slot.start.isoformat(), "end": slot.end.isoformat()}
    return row


def _read(sent: bytes) -> dict[str, Any] | None:
    """Return a row with masked values; `None` if an element of the contract has values that cannot be read.

    The reader of slots skips other elements, so what is wrong in them is not known: they are not decoded here either.
    """
    try:
        elements = list(_elements.decode(sent).items())[:MOST_ITEMS]
        read = {name: msgspec.json.decode(each) if name in _CONTRACT else None for name, each in elements}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    row: dict[str, Any] = _masked(read, _CONTRACT)
    return row


def _masked(value: Any, known: _Elements | None) -> Any:
    """Return a value of the contract. Others, and lists in lists, are never entered: deep nesting does no harm."""
    if isinstance(value, list) and known is not None:
        items = cast("list[Any]", value)[:MOST_ITEMS]
        return [MASKED if isinstance(each, list) else _masked(each, known) for each in items]
    if isinstance(value, dict) and known is not None:
        elements = list(cast("dict[str, Any]", value).items())[:MOST_ITEMS]
        return {_cut(name): _masked(each, known[name]) if name in known else MASKED for name, each in elements}
    return _cut(value) if isinstance(value, str) and known is None else MASKED


def _cut(text: str) -> str:
    return without_nhs_numbers(text, MASKED, LONGEST_TEXT)
