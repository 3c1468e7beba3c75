"""The files of recorded examples, in the package of the service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from openers.api import operations  # registers every operation
from openers.api.examples import Example, example_name
from openers.api.registry import all_operations
from tests.kit.run.project import ROOT

__all__ = ["FOLDER", "fill_in", "operations", "path_of", "text_of", "write"]

FOLDER: Final = ROOT / "src/openers/api/examples"


def path_of(name: str) -> Path:
    """Return the file of an example."""
    return FOLDER / f"{name}.json"


def text_of(example: Example) -> str:
    """Return the content of the file of an example."""
    return json.dumps(msgspec.to_builtins(example), indent=1, ensure_ascii=False) + "\n"


def fill_in() -> None:
    """Give each operation without an example that of another: the service does not start without, and cannot record."""
    texts = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    for operation in all_operations():
        name = example_name(operation)
        if name not in texts:
            path_of(name).write_text(next(iter(texts.values())), "utf-8")


def write(examples: Mapping[str, Example]) -> None:
    """Write the files of all examples, and remove those of others."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, example in examples.items():
        path_of(name).write_text(text_of(example), "utf-8")
