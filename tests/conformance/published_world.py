"""The register of published examples that the world `published` can't bring out whole: `published_world.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = Path(__file__).with_name("published_world.toml")
SHARE: Final = "comes out whole"
"""What a report calls whether an example does; `conftest.py` counts them."""


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Examples, by a pattern of their paths, and what prevents them from coming out."""

    examples: str
    reason: str


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """The register."""
    return tuple(msgspec.convert(tomllib.loads(FILE.read_text("utf-8"))["contradiction"], list[Contradiction]))
