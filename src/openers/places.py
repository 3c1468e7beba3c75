"""Where the files of a store are: beside it and named after it, so that two stores in one folder share nothing.

Stores of release 0.1.0 had their files in the folder itself, under names without that of the store; those stay there.
Called by `openers.settings` and the command line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

FOLDER: Final = Path("var")
"""Where the files of a store are that is not itself a file."""
IsUsed = Callable[[str], bool]
"""Whether the database at a URL holds tables already."""


class PlaceKind(StrEnum):
    """What there is besides the database, and how its name ends."""

    KEYS = "keys"
    BLOBS = "blobs"
    DRAFTS = "drafts"
    TEST_PAS = "testpas.db"
    TEST_PAS_LOG = "testpas.log"


class Places:
    """The places of one store."""

    def __init__(self, base: Path, *, is_of_0_1: bool) -> None:
        """`base` is what the names begin with: the path of the database's file, or what stands for it."""
        self._base, self._is_of_0_1 = base, is_of_0_1

    def of(self, kind: PlaceKind) -> Path:
        """Where the store has its files of a kind."""
        return self._base.parent / (kind.value if self._is_of_0_1 else f"{self._base.name}.{kind.value}")


def places_of(database_url: str, is_used: IsUsed) -> Places:
    """The places of the store at `database_url`. `is_used` is asked only if there are files of release 0.1.0.

    A store in use that has nothing named after it, in a folder with files of that release, was made by that release.
    """
    base = base_of(database_url)
    now, before = Places(base, is_of_0_1=False), Places(base, is_of_0_1=True)
    if any(now.of(kind).exists() for kind in PlaceKind) or not any(before.of(kind).exists() for kind in PlaceKind):
        return now
    return before if is_used(database_url) else now


def base_of(database_url: str) -> Path:
    """What the names of a store's files begin with."""
    kind, _, path = database_url.partition(":///")
    if kind == "sqlite":
        return Path(path)
    name = unquote(urlsplit(database_url).path.rpartition("/")[2])
    return FOLDER / (re.sub(r"[^\w.-]", "_", name) or "postgresql")


def is_a_file(database_url: str) -> bool:
    """Whether the database is a SQLite file that is there. Of other databases it is not known."""
    kind, _, path = database_url.partition(":///")
    return kind == "sqlite" and Path(path).exists()


def files_of(database_url: str) -> list[Path]:
    """The database's file and its log, and all that is beside it and named after it, as far as it is there."""
    base = base_of(database_url)
    if not base.name or not base.parent.is_dir():
        return []
    return sorted(each for each in base.parent.iterdir() if re.match(re.escape(base.name) + r"($|[.-])", each.name))
