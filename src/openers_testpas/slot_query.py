"""Parse the query of a slot search strictly, since an ignored filter would return unwanted slots."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec

from openers_testpas.fhir import SERVICE
from openers_testpas.hospital.clock import as_number
from openers_testpas.hospital.slots import SlotQuery
from openers_testpas.replies import Problem

ACTOR: Final = "schedule.actor:identifier"
INCLUDE: Final = "Slot:schedule"
MOST: Final = 500
PAGE: Final = "_page"
ONCE: Final = frozenset({ACTOR, "_lastUpdated", "_include", "_count", PAGE})

Pairs = list[tuple[str, str]]
"""Query parameters as sent, in order."""


def read_slot_query(sent: Pairs) -> SlotQuery:
    """Return the query. Raises Problem."""
    once = _once(sent)
    system, _, service = once.get(ACTOR, "").partition("|")
    if system != SERVICE or not service:
        raise _invalid(f"{ACTOR} must be {SERVICE}|<id>")
    if once.get("_include", INCLUDE) != INCLUDE:
        raise _invalid(f"_include must be {INCLUDE}")
    start_from, start_before = _bounds([value for name, value in sent if name == "start"])
    return SlotQuery(
        service=service,
        start_from=start_from,
        start_before=start_before,
        since=_bound("_lastUpdated", once["_lastUpdated"], "ge") if "_lastUpdated" in once else None,
        after=_read_place(once[PAGE]) if PAGE in once else None,
        count=_count(once.get("_count", "100")),
    )


def address(base: str, sent: Pairs, place: tuple[int, str] | None = None) -> str:
    """Return the address of the same search, or of its page after `place`."""
    pairs = sent
    if place is not None:
        token = urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")
        pairs = [*((name, value) for name, value in sent if name != PAGE), (PAGE, token)]
    return f"{base}/Slot?{urlencode(pairs)}"


def _once(sent: Pairs) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in sent:
        if name == "start":
            continue
        if name not in ONCE:
            raise Problem(400, "not-supported", f"unknown parameter {name}")
        if name in found:
            raise _invalid(f"{name} may occur only once")
        found[name] = value
    return found


def _bounds(values: list[str]) -> tuple[int | None, int | None]:
    lower = [_bound("start", value, "ge") for value in values if value.startswith("ge")]
    upper = [_bound("start", value, "lt") for value in values if not value.startswith("ge")]
    return max(lower, default=None), min(upper, default=None)


def _bound(name: str, value: str, prefix: str) -> int:
    instant = value.removeprefix(prefix)
    try:
        found = datetime.fromisoformat(instant)
    except ValueError:
        found = None
    if instant == value or found is None or found.tzinfo is None:
        raise _invalid(f"{name} must be {prefix}<instant with an offset>")
    return as_number(found)


def _count(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 9 and int(value) > 0):
        raise _invalid("_count must be a positive number")
    return min(int(value), MOST)


def _read_place(token: str) -> tuple[int, str]:
    try:
        return msgspec.json.decode(urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=tuple[int, str])
    except (ValueError, RecursionError):
        raise _invalid(f"{PAGE} must be copied from a next link") from None


def _invalid(text: str) -> Problem:
    return Problem(400, "invalid", text)
