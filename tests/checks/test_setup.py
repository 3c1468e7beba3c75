"""The set-up reports a missing prerequisite and its cure in one line. `make help` lists all targets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kit.run.project import ROOT

NEEDED = ("sh", "cat", "cksum", "dirname", "rm")
OLD = '#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2"\nexit 1\n'
WITHOUT_VENV = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; *-V*) echo "Python 3.12.1" ;; esac\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Copy the project's set-up to a machine that has only the listed programs and no Python."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NEEDED:
        (programs / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def _set_up(project: Path, kind: str = "run") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(project / "bin")}
    return subprocess.run(
        [project / "scripts/setup.sh", kind], env=environment, capture_output=True, text=True, check=False
    )


def _add_program(project: Path, name: str, text: str) -> None:
    program = project / "bin" / name
    program.write_text(text)
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("python", "told"),
    [
        (None, "Python 3.11 or newer is needed and no python3 was found; install it"),
        (OLD, "Python 3.11 or newer is needed and python3 is Python 3.9.2; install a newer one"),
        (WITHOUT_VENV, "python3 has no venv module; install it"),
    ],
    ids=["no python", "old python", "no venv"],
)
def test_a_missing_prerequisite_is_said_in_one_line(project: Path, python: str | None, told: str) -> None:
    if python:
        _add_program(project, "python3", python)
    result = _set_up(project)
    assert result.returncode == 1
    assert result.stdout == ""
    assert re.fullmatch(rf"set-up stopped: {re.escape(told)}[^\n]*\n", result.stderr)
    assert not (project / ".venv").exists()


def test_a_newer_python_under_another_name_is_found(project: Path) -> None:
    _add_program(project, "python3", OLD)
    _add_program(project, "python3.12", WITHOUT_VENV)
    assert "python3.12 has no venv module" in _set_up(project).stderr


def test_an_unknown_kind_is_refused(project: Path) -> None:
    assert "say run or test" in _set_up(project, "deploy").stderr


@pytest.mark.parametrize("name", ["run.txt", "docs.txt", "dev.txt", "build.txt", "tools.txt"])
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    for requirement in re.split(r"\n(?=\w)", re.sub(r"(?m)^#.*\n", "", text).strip()):
        assert re.match(r"[\w.-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_the_test_requirements_hold_those_of_the_service() -> None:
    pins = {
        name: set(re.findall(r"(?m)^[\w.-]+==[^\s;]+", (ROOT / f"requirements/{name}.txt").read_text()))
        for name in ("run", "dev")
    }
    assert pins["run"] <= pins["dev"]


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"(?m)^\.PHONY: (.*)$", makefile)[0].split()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    told = subprocess.run(
        ["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[1] for line in told.splitlines()} == {name for name in phony if not name.startswith("setup-")}
