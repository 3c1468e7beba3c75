"""Find ids, codes and dates of published examples in `src/`, because no example may control the service.

The values come from the examples. Codes of the specification (`NOT_BOOKED`) do not count. World data and reference data
contain facts and are not checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, cast

from tests.checks.source import Finding, Source

SPECIFIC: Final = re.compile(
    r"""
      [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}   # uuid
    | \d{4}-\d\d-\d\d                                                # date
    | (?:USRN-)?\d{5,}                                               # UBRN, NHS number, user, service, slot
    | att-\d+-\d+                                                    # old attachment
    """,
    re.VERBOSE,
)
ORGANISATION: Final = re.compile(r"[A-Z]\d{2,5}|[A-Z]{3}")
TOKENS: Final = re.compile(rf"(?<![\w-])(?:{SPECIFIC.pattern}|[A-Z]\d{{2,5}}|[A-Z]{{3}})(?![\w-])", re.VERBOSE)


def published(reference: Path) -> frozenset[str]:
    """Return the ids, organisation codes and dates in the published examples below `reference`."""
    found: set[str] = set()
    for path in sorted(reference.glob("examples/**/*.json")):
        for system, text in _strings(json.loads(path.read_bytes())):
            found.update(SPECIFIC.findall(text))
            if "ods-" in system and ORGANISATION.fullmatch(text):
                found.add(text)
    return frozenset(found)


def borrowed(known: frozenset[str]) -> Callable[[Source], Iterator[Finding]]:
    """Return a check that finds any of the `known` values in a text."""

    def find(source: Source) -> Iterator[Finding]:
        for number, line in enumerate(source.lines, start=1):
            for token in TOKENS.findall(line):
                if token in known:
                    yield Finding(source.path, number, f"{token!r} is a value of a published example")

    return find


def _strings(value: object, system: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string in a JSON value with the `system` of the object that contains it."""
    if isinstance(value, str):
        yield system, value
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _strings(each, system)
    elif isinstance(value, dict):
        members = cast("dict[str, object]", value)
        own = members.get("system")
        for name, each in members.items():
            yield from _strings(each, own if isinstance(own, str) and name == "value" else "")
