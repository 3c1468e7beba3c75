"""The request collections in the folder `collections` of the project."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Final

from openers.api import operations  # registers every operation
from openers.api.examples import RECORDED_AT
from openers.worlds.collections import collection_files
from tests.kit.run.project import ROOT

__all__ = ["FOLDER", "found", "operations", "wanted", "write_collections"]

FOLDER: Final = ROOT / "collections"


def wanted() -> Mapping[str, str]:
    """Return the text of each file by its path in the folder."""
    return collection_files(RECORDED_AT)


def found() -> Mapping[str, str]:
    """Return the texts that are in the folder."""
    paths = (path for path in FOLDER.rglob("*") if path.is_file())
    return {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in paths}


def write_collections() -> None:
    """Write all files, and remove others."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, text in wanted().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    write_collections()
