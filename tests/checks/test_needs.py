"""A test run needs only Python and make: without another program, the tests that need it are skipped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.kit.run.needs import INSTALL, PATH
from tests.kit.run.project import ROOT

FILES: Final = [
    str(path.relative_to(ROOT))
    for path in sorted((ROOT / "tests").rglob("test_*.py"))
    if "mark.needs(" in path.read_text()
]
"""Each file with tests that need a program."""


def _path_without_tools(path: str, directory: Path) -> str:
    """Return a search path with all programs of `path` except those that a test may need."""
    directory.mkdir()
    for folder in path.split(os.pathsep):
        for program in Path(folder).glob("*"):
            link = directory / program.name
            if program.name not in INSTALL and not link.is_symlink():
                link.symlink_to(program)
    return str(directory)


def _run_without_tools(path: str, directory: Path, **more: str) -> tuple[int, str]:
    """Run the tests that need a program without any of these programs; return the exit status and output."""
    kept = {name: value for name, value in os.environ.items() if name != "OPENERS_REQUIRE"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-m", "needs", f"--basetemp={directory / 'inner'}", *FILES],
        cwd=ROOT,
        env={**kept, "PATH": _path_without_tools(path, directory / "bin"), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_run_without_the_tools_passes(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    status, output = _run_without_tools(pytestconfig.stash[PATH], tmp_path)
    assert status == 0, output
    assert re.search(r"(?m)^\d+ skipped without clamd: apt-get install ", output), output
    assert re.search(r"(?m)^\d+ skipped, \d+ deselected", output), output


def test_a_run_without_the_tools_fails_where_all_are_required(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    status, output = _run_without_tools(pytestconfig.stash[PATH], tmp_path, OPENERS_REQUIRE="all")
    assert status == 1, output
    assert re.search(r"(?m)^\d+ deselected, \d+ errors", output), output
