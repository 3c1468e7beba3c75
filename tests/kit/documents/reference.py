"""The published specification and examples, which tests read from a folder outside the project.

`OPENERS_REFERENCE_DIR` names the folder. It contains `openapi.json` and `examples/` with `index.csv`.
"""

from __future__ import annotations

import csv
import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

Json = dict[str, Any]

VARIABLE: Final = "OPENERS_REFERENCE_DIR"
NOT_SET: Final = f"{VARIABLE} is not set"
BASE: Final = "http://127.0.0.1:8000/referrals/FHIR"
"""The address of the services under test."""
DIRECTORY: Final = os.environ.get(VARIABLE, "")


class Example(NamedTuple):
    """A published request or response. `path` is its path below `examples/`."""

    path: str
    number: str
    method: str
    address: str
    direction: str
    status: str

    @property
    def name(self) -> str:
        """Return the file name without its folders."""
        return self.path.rpartition("/")[2]

    def read(self) -> Json:
        """Return its content with this service's address. The publisher spells the placeholder in two ways."""
        text = (Path(DIRECTORY) / "examples" / self.path).read_text("utf-8")
        return json.loads(_with_address(text))


def _with_address(text: str) -> str:
    return re.sub("_base[Uu]rl_", BASE, text)


@cache
def examples() -> tuple[Example, ...]:
    """Return all published JSON examples, or none if the variable is not set."""
    if not DIRECTORY:
        return ()
    with (Path(DIRECTORY) / "examples" / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].endswith(".json")]
    return tuple(
        Example(row["path"], row["endpoint"], row["method"], row["spec_path"], row["direction"], row["status"])
        for row in rows
    )


def published(number: str, direction: str = "response", status: str = "200") -> tuple[Example, ...]:
    """Return the examples of one operation; `status` selects responses only."""
    return tuple(
        each
        for each in examples()
        if each.number == number and each.direction == direction and (direction == "request" or each.status == status)
    )


@cache
def specification() -> Json:
    """Return the official OpenAPI document with this service's address."""
    return json.loads(_with_address((Path(DIRECTORY) / "openapi.json").read_text("utf-8")))
