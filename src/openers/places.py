"""Locate the files of a store: beside it and named after it, so that two stores in one folder share nothing.

Release 0.1.0 put its files into the folder under names without that of the store; those stay there. `openers.settings`
and the command line call it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

FOLDER: Final = Path("var")
"""Directory for the files of a store that is not itself a file."""
IsUsed = Callable[[str], bool]
"""Returns whether the database at a URL has tables."""


class PlaceKind(StrEnum):
    """Kinds of file besides the database, and the ends of their names."""

    KEYS = "keys"
    BLOBS = "blobs"
    DRAFTS = "drafts"
    AUTHORITIES = "ca"
    TEST_PAS = "testpas.db"
    TEST_PAS_LOG = "testpas.log"
    QUICK_CONNECT = "quickconnect"
    QUICK_CONNECT_LOG = "quickconnect.log"
    PORTAL = "portal"
    PORTAL_LOG = "portal.log"
    MOCKS = "mocks"


class Places:
    """The paths of one store."""

    def __init__(self, base: Path, *, is_of_0_1: bool) -> None:
        """Store `base`, the beginning of the names: the path of the database's file, or a substitute."""
        self._base, self._is_of_0_1 = base, is_of_0_1

    def of(self, kind: PlaceKind) -> Path:
        """Return the path of the store's files of a kind."""
        return self._base.parent / (kind.value if self._is_of_0_1 else f"{self._base.name}.{kind.value}")


def places_of(database_url: str, is_used: IsUsed) -> Places:
    """Return the paths of the store at `database_url`. `is_used` is called only if files of release 0.1.0 exist.

    A used store without files named after it, in a folder with files of that release, was created by that release.
    """
    base = base_of(database_url)
    now, before = Places(base, is_of_0_1=False), Places(base, is_of_0_1=True)
    if any(now.of(kind).exists() for kind in PlaceKind) or not any(before.of(kind).exists() for kind in PlaceKind):
        return now
    return before if is_used(database_url) else now


def base_of(database_url: str) -> Path:
    """Return the beginning of the names of a store's files."""
    kind, _, path = database_url.partition(":///")
    if kind == "sqlite":
        return Path(path)
    name = unquote(urlsplit(database_url).path.rpartition("/")[2])
    return FOLDER / (re.sub(r"[^\w.-]", "_", name) or "postgresql")


def is_a_file(database_url: str) -> bool:
    """Return whether the database is an existing SQLite file; false for other databases."""
    kind, _, path = database_url.partition(":///")
    return kind == "sqlite" and Path(path).exists()


def files_of(database_url: str) -> list[Path]:
    """Return the database's file, its log, and all existing files named after it."""
    base = base_of(database_url)
    if not base.name or not base.parent.is_dir():
        return []
    return sorted(each for each in base.parent.iterdir() if re.match(re.escape(base.name) + r"($|[.-])", each.name))
