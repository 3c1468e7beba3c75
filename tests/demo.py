"""`openers demo` as users start it: a process with the demo world, its Test PAS beside it, a folder for commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.checks.source import ROOT
from tests.installed import service_environment
from tests.live import free_port
from tests.waiting import HANGS_AFTER_S, until

READY: Final = "Uvicorn running on"


@dataclass(frozen=True)
class Demo:
    """A running demo world, and a folder that looks to commands like the project's own."""

    base_url: str
    pas_url: str
    folder: Path
    environment: dict[str, str]

    def with_test_packages(self) -> Demo:
        """Return the same world with a folder whose `.venv` is the one of `make setup-test`."""
        folder = self.folder / "tests"
        if not folder.exists():
            folder.mkdir()
            _link(folder, ROOT / ".venv")
        return replace(self, folder=folder)

    def run(self, commands: str) -> str:
        """What `commands` print, run with bash in the folder. They must succeed."""
        result = subprocess.run(
            ["bash", "-c", commands], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


@contextmanager
def demo_in(folder: Path) -> Generator[Demo]:
    """Run `openers demo` on free ports and a new database in `folder`, with what `make run` installs."""
    _link(folder, service_environment(folder / "environment"))
    port, pas_port = free_port(), free_port()
    base_url = f"http://127.0.0.1:{port}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    environment = kept | {"OPENERS_DATABASE_URL": f"sqlite:///{folder}/var/openers.db", "OPENERS_BASE_URL": base_url}
    command = [".venv/bin/openers", "demo", "--port", str(port), "--pas-port", str(pas_port)]
    log = folder / "demo.log"  # not a pipe, which would be full some time, and a service that logs would wait
    with log.open("w") as told:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=subprocess.STDOUT)
    try:
        _wait_for(process, log)
        yield Demo(base_url, f"http://127.0.0.1:{pas_port}", folder, environment)
    finally:
        process.terminate()
        process.wait(HANGS_AFTER_S)


def _link(folder: Path, environment: Path) -> None:
    """Put what commands name into a folder: `.venv` and the documents."""
    (folder / ".venv").symlink_to(environment)
    (folder / "docs").symlink_to(ROOT / "docs")


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when it answers. Fails, with what it has said, if it ends before."""

    def _is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return READY in log.read_text()

    until(_is_ready, log.read_text)
