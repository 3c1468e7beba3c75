"""The systemd units: valid, confined, and with settings that the service accepts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from openers.settings import read_settings
from tests.kit.run.project import ROOT

UNITS = sorted((ROOT / "deploy").glob("*.service"))
PROGRAM = "/opt/openers/bin/openers"
MOST_EXPOSED = "20"
"""The highest exposure that `systemd-analyze security` may find, in tenths."""


@pytest.fixture
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Copy a unit, with a program that exists on this machine in place of the installed one."""
    source: Path = request.param
    copy = tmp_path / source.name
    copy.write_text(source.read_text().replace(PROGRAM, sys.executable))
    return copy


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name, indirect=True)
def test_a_unit_is_valid_and_confined(unit: Path) -> None:
    for words in (["verify"], ["security", "--offline=true", f"--threshold={MOST_EXPOSED}"]):
        done = subprocess.run(["systemd-analyze", *words, unit], capture_output=True, text=True, check=False)
        assert (done.returncode, unit.name in done.stderr) == (0, False), done.stdout + done.stderr


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("unit", UNITS[:1], ids=lambda path: path.name, indirect=True)
def test_a_misspelt_line_is_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("DynamicUser", "DynamicUsr"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert "DynamicUsr" in done.stderr


@pytest.mark.parametrize("source", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists(source: Path) -> None:
    from typer.testing import CliRunner

    from openers.cli.main import app

    (words,) = re.findall(rf"(?m)^ExecStart={PROGRAM} (.*)$", source.read_text())
    assert CliRunner().invoke(app, [*words.split(), "--help"]).exit_code == 0


def test_the_settings_are_accepted_and_keep_all_files_in_the_state_directory() -> None:
    lines = (ROOT / "deploy/openers.env").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    settings = read_settings(given)
    assert settings.production
    assert str(settings.sqlite_path).startswith("/var/lib/openers/")
    for unit in UNITS:
        assert "\nStateDirectory=openers\n" in unit.read_text()
        assert "\nEnvironmentFile=/etc/openers/openers.env\n" in unit.read_text()
