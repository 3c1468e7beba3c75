"""The register of intended differences from published examples: `register.toml`.

An unregistered difference fails the comparison; so does an entry that matches no difference.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from tests.conformance.likeness import Difference

FILE: Final = Path(__file__).with_name("register.toml")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Intended differences of one kind, with patterns for the examples and places, and the reason."""

    examples: str
    kind: str
    place: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Return whether this entry covers `difference`."""
        return self.kind == difference.kind and fnmatchcase(difference.place, self.place)


@cache
def entries() -> tuple[Entry, ...]:
    """Read all entries."""
    return tuple(msgspec.convert(tomllib.loads(FILE.read_text("utf-8")).get("difference", []), list[Entry]))


def assert_registered(example: str, found: Iterable[Difference]) -> None:
    """Assert that the differences of this comparison are exactly the registered ones."""
    differences = sorted(set(found))
    ours = [each for each in entries() if fnmatchcase(example, each.examples)]
    unknown = [str(each) for each in differences if not any(entry.covers(each) for entry in ours)]
    unused = [f"{entry.kind} {entry.place}" for entry in ours if not any(map(entry.covers, differences))]
    assert not unknown, f"not like {example}:\n" + "\n".join(unknown)
    assert not unused, f"registered for {example}, but not so:\n" + "\n".join(unused)
