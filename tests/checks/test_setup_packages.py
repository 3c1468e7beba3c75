"""The set-up installs packages with uv or else with pip. If both fail, it stops and says how to continue."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from zipfile import ZipFile, ZipInfo

import pytest

from tests.kit.run.project import ROOT
from tests.kit.service.live import free_port

NAMED: Final = {"build.txt": "setuptools", "tools.txt": "uv", "run.txt": "runs", "docs.txt": "docs", "dev.txt": "runs"}
FAILING_UV: Final = '#!/bin/sh\necho "certificates: $UV_SYSTEM_CERTS $REQUESTS_CA_BUNDLE" >&2\nexit 2\n'
PYPROJECT: Final = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
BACKEND: Final = """
import shutil

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return shutil.copy("openers-1-py3-none-any.whl", wheel_directory).rpartition("/")[2]
"""
"""A build backend instead of setuptools, so that the tests need no network."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an environment as the set-up does, without packages."""
    directory = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    return directory


@pytest.fixture
def project(tmp_path: Path, environment: Path) -> Path:
    """Create a project with the real set-up, whose packages are in the folder `wheels`."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copytree(environment, tmp_path / ".venv", symlinks=True)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "wheels").mkdir()
    for file, package in NAMED.items():
        made = _wheel(tmp_path / "wheels", package)
        pin = f"{package}==1 --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n"
        (tmp_path / "requirements" / file).write_text(pin)
    _wheel(tmp_path, "openers", {"openers": "#!python\nprint('here')\n"})
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "backend.py").write_text(BACKEND)
    return tmp_path


def _wheel(folder: Path, name: str, programs: dict[str, str] | None = None) -> Path:
    """Create an installable package that contains only programs."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
    about = f"{name}-1.dist-info"
    contents = {
        f"{about}/METADATA": metadata,
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **{f"{name}-1.data/scripts/{program}": text for program, text in (programs or {}).items()},
    }
    lines = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in contents.items()]
    contents[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,", ""])
    path = folder / f"{name}-1-py3-none-any.whl"
    with ZipFile(path, "w") as file:
        for inner, text in contents.items():
            entry = ZipInfo(inner)
            entry.external_attr = 0o100755 << 16  # a file that pip makes executable
            file.writestr(entry, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def _set_up(project: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "0", "HOME": str(project)}
    return subprocess.run(
        [project / "scripts/setup.sh", "run"], env=own | settings, capture_output=True, text=True, check=False
    )


def _offline(project: Path) -> dict[str, str]:
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project / "wheels")}


def test_a_wrong_index_address_stops_with_a_way_out(project: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}/simple"
    result = _set_up(project, PIP_INDEX_URL=address)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("set-up stopped: pip could not install the packages of requirements/build.txt")
    assert all(setting in last for setting in ("PIP_INDEX_URL", "HTTPS_PROXY", "SSL_CERT_FILE"))
    assert not (project / ".venv/installed").exists()


def test_a_project_that_cannot_be_built_stops_with_a_way_out(project: Path) -> None:
    (project / "backend.py").write_text("")
    result = _set_up(project, **_offline(project))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("set-up stopped: OpenERS itself could not be installed in .venv")
    assert not (project / ".venv/installed").exists()


def test_pip_installs_the_packages_where_uv_cannot_be_installed(project: Path) -> None:
    (project / "wheels/uv-1-py3-none-any.whl").unlink()
    result = _set_up(project, **_offline(project))
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert "uv could not be installed on this machine\npip installs the packages" in result.stdout
    assert _set_up(project).stdout == ""


def test_pip_installs_the_packages_where_uv_fails(project: Path) -> None:
    """uv and pip both get the system's certificates."""
    (project / "certificates").write_text("")
    made = _wheel(project / "wheels", "uv", {"uv": FAILING_UV})
    pin = f"uv==1 --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n"
    (project / "requirements/tools.txt").write_text(pin)
    result = _set_up(project, SSL_CERT_FILE=str(project / "certificates"), **_offline(project))
    assert (result.returncode, result.stderr) == (0, f"certificates: 1 {project / 'certificates'}\n"), result.stderr
    assert "uv could not install the packages (the lines above say why)\npip installs" in result.stdout
