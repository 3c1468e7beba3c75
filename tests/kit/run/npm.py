"""Programs of npm that tests run, from the lock file of a folder in `requirements`."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.kit.run.project import ROOT

FILES: Final = ("package.json", "package-lock.json", ".npmrc")
KEPT: Final = ROOT / ".venv/npm"
"""Where the packages are kept, so that they are installed once."""


def npm_programs(name: str) -> Path:
    """Install the packages of `requirements/NAME` if needed; return the folder of their programs.

    Raises AssertionError, with what npm printed, if npm cannot install them.
    """
    source = ROOT / "requirements" / name
    digest = hashlib.sha256(b"".join((source / each).read_bytes() for each in FILES)).hexdigest()[:16]
    folder = KEPT / f"{name}-{digest}"
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker of the run may be installing them
        if not folder.exists():
            _install(source, folder)
    return folder / "node_modules/.bin"


def _install(source: Path, folder: Path) -> None:
    """Install into a folder beside the right one, and rename it when all is there."""
    for old in folder.parent.glob(f"{source.name}-*"):
        shutil.rmtree(old)
    made = folder.with_name(f"{folder.name}-new")
    made.mkdir()
    for each in FILES:
        shutil.copy(source / each, made)
    done = subprocess.run(["npm", "ci"], cwd=made, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"npm could not install the packages of {source.name}: {done.stdout}{done.stderr}"
    made.rename(folder)
