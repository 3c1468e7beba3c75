"""The planted faults (`faults.toml`), and the documentation page that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from tests.kit.run.faults import Fault
from tests.kit.run.project import ROOT

PAGE: Final = ROOT / "docs/reference/sabotage.md"
_FAULTS: Final = Path(__file__).with_name("faults.toml")
_HEAD: Final = """\
# Sabotage

`make sabotage` verifies that the tests detect faults. It copies the project, plants one fault at a time in the copy,
and runs tests that should detect it. These tests pass without the fault; with it, at least one must fail. The run fails
if no test detects a fault, or if a fault no longer fits the source. The faults are in
[faults.toml](../../tests/sabotage/faults.toml). A complete, successful run generates this page.

| fault | effect | where | detected by |
|---|---|---|---|
"""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    faults: tuple[Fault, ...]


def read_faults() -> tuple[Fault, ...]:
    """Return all faults, in the order of the table."""
    return msgspec.toml.decode(_FAULTS.read_bytes(), type=_Table).faults


def row(fault: Fault, noticed_by: str) -> str:
    """Return the table row of one fault, without a line break."""
    files = ", ".join(f"`{file.removeprefix('src/openers/')}`" for file in fault.files)
    return f"| {fault.id} | {fault.breaks} | {files} | `{noticed_by.removeprefix('tests/')}` |"


def page(faults: tuple[Fault, ...], noticed_by: Mapping[str, str]) -> str:
    """Return the whole page; `noticed_by` maps the id of each fault to the test that failed."""
    return _HEAD + "".join(f"{row(fault, noticed_by[fault.id])}\n" for fault in faults)
