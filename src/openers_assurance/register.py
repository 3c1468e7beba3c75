"""The register of requirements: data, with the demand in our words, its class, versions, and the evidence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec


class Kind(StrEnum):
    """How a requirement is shown.

    `AUTOMATIC`: calls show it. `MIXED`: calls show it, and a person adds a statement. `PART`: calls show that the case
    occurred, and a person adds a picture, a statement or a file. `DOCUMENT`: only a document shows it.
    """

    AUTOMATIC = "automatic"
    MIXED = "automatic and a statement"
    PART = "part"
    DOCUMENT = "document"

    @property
    def is_automatic(self) -> bool:
        """Return whether calls alone decide whether it is broken or kept."""
        return self in (Kind.AUTOMATIC, Kind.MIXED)

    @property
    def needs_person(self) -> bool:
        """Return whether a person must add something."""
        return self is not Kind.AUTOMATIC


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One requirement. `own`: it is a rule of OpenERS, and no published requirement.

    `operations` are those that can show it; `legacy` says that only the API of 2018 has it. `evidence` is what shows
    it, `scenario` what to do so that it is shown.
    """

    id: str
    group: str
    demand: str
    kind: Kind
    versions: tuple[str, ...]
    evidence: str
    scenario: str
    operations: tuple[str, ...] = ()
    legacy: bool = False
    own: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    requirements: list[Requirement]


@cache
def requirements() -> Mapping[str, Requirement]:
    """Return all requirements by id, in the order of the register."""
    content = tomllib.loads(files("openers_assurance").joinpath("requirements.toml").read_text("utf-8"))
    return {each.id: each for each in msgspec.convert(content, _File).requirements}
