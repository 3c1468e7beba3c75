"""The files of recorded examples, in the package of the service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from openers.api.examples import Example
from tests.kit.run.project import ROOT

FOLDER: Final = ROOT / "src/openers/api/examples"


def path_of(name: str) -> Path:
    """Return the file of an example."""
    return FOLDER / f"{name}.json"


def text_of(example: Example) -> str:
    """Return the content of the file of an example."""
    return json.dumps(msgspec.to_builtins(example), indent=1, ensure_ascii=False) + "\n"


def write(examples: Mapping[str, Example]) -> None:
    """Write the files of all examples, and remove those of others."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, example in examples.items():
        path_of(name).write_text(text_of(example), "utf-8")
