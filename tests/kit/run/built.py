"""The packages that `make wheel` builds, built without network from a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.kit.run.project import ROOT
from tests.kit.run.waiting import until

INPUTS: Final = ("pyproject.toml", "README.md", "LICENSE", "THIRD-PARTY-NOTICES", "src")
"""What the build reads. The copy has no output of an earlier build, which setuptools would pack again."""
HOOK: Final = "import sys; from setuptools import build_meta as b; print('\\n' + getattr(b, sys.argv[1])(sys.argv[2]))"
NOT_COPIED: Final = shutil.ignore_patterns("*.egg-info", "__pycache__")


class Packages(NamedTuple):
    """The paths of the two packages."""

    sdist: Path
    wheel: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Build both packages once for all processes of the run; the first process that asks builds."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "packages"
    outcome = folder / "outcome"
    try:
        folder.mkdir()
    except FileExistsError:
        until(outcome.exists, "the process that builds the packages did not end")
    else:
        _build_and_tell(folder, outcome)
    names = outcome.read_text().splitlines()
    assert len(names) == len(Packages._fields), "the packages could not be built; see the other process"
    return Packages(*(folder / name for name in names))


def _build_and_tell(folder: Path, outcome: Path) -> None:
    """Build, then write the names of the packages; nothing if the build fails."""
    names: list[str] = []
    try:
        names = [path.name for path in build(folder)]
    finally:
        told = folder / "telling"
        told.write_text("\n".join(names))
        told.rename(outcome)  # at once, so that others never read a part


def build(folder: Path) -> Packages:
    """Build both packages in `folder`; the wheel is built from the content of the sdist."""
    source = folder / "source"
    source.mkdir()
    for name in INPUTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=NOT_COPIED)
        else:
            shutil.copy(ROOT / name, source)
    sdist = _run("build_sdist", source, folder)
    with tarfile.open(sdist) as file:
        file.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return Packages(sdist, _run("build_wheel", unpacked, folder))


def _run(hook: str, source: Path, folder: Path) -> Path:
    """Run a hook of the build backend in `source`, as pip and uv do; return the package."""
    done = subprocess.run(
        [sys.executable, "-c", HOOK, hook, folder], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]
