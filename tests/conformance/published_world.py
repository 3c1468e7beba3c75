"""The register of published examples that the world `published` cannot reproduce: `published_world.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = Path(__file__).with_name("published_world.toml")
SHARE: Final = "comes out whole"
"""The report property that says whether an example is reproduced; `conftest.py` counts them."""


class Contradiction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Examples (by a pattern of their paths) that cannot be reproduced, and the reason."""

    examples: str
    reason: str


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """Read the register."""
    return tuple(msgspec.convert(tomllib.loads(FILE.read_text("utf-8"))["contradiction"], list[Contradiction]))
