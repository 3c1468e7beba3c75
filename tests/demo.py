"""`openers demo` as users start it: a process with the demo world, its Test PAS beside it, a folder for commands."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.checks.source import ROOT
from tests.live import LOOK_EVERY_S, free_port_with

READY: Final = "Application startup complete"
STOP_WITHIN_S: Final = 30.0
PAS_ABOVE: Final = 2
"""How far the Test PAS of a demo world is above the service."""


@dataclass(frozen=True)
class Demo:
    """A running demo world, and a folder that looks to commands like the project's own."""

    base_url: str
    pas_url: str
    folder: Path
    environment: dict[str, str]

    @property
    def health(self) -> dict[str, Any]:
        """What its health page says."""
        told: dict[str, Any] = httpx.get(f"{self.base_url}/referrals/_status").json()
        return told

    def run(self, commands: str) -> str:
        """What `commands` print, run with bash in the folder. They must succeed."""
        result = subprocess.run(
            ["bash", "-c", commands], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


@contextmanager
def demo_in(folder: Path, database: str = "openers.db", words: Sequence[str] = ()) -> Generator[Demo]:
    """`openers demo` on free ports and a database of its own in `folder`/var; ended with the block.

    Several may run in one folder, each on a `database` of its own. `words` are more options.
    """
    for name in (".venv", "docs"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    port = free_port_with(PAS_ABOVE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    environment = kept | {"OPENERS_DATABASE_URL": f"sqlite:///{folder}/var/{database}"}
    command = [".venv/bin/openers", "demo", "--port", str(port), *words]
    log = folder / f"{database}.log"  # not a pipe, which would be full some time, and a service that logs would wait
    with log.open("w") as told:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=subprocess.STDOUT)
    try:
        _wait_for(process, log)
        pas_url = f"http://127.0.0.1:{port + PAS_ABOVE}"
        yield Demo(f"http://127.0.0.1:{port}", pas_url, folder, environment | {"OPENERS_PORT": str(port)})
    finally:
        process.terminate()
        process.wait(STOP_WITHIN_S)


def wait_for_polls(demo: Demo) -> None:
    """Return when every linked service has been polled; the process that runs the test limits the time."""
    while demo.health["checks"]["polls"] != "pass":
        time.sleep(LOOK_EVERY_S)


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when it answers. Fails, with what it has said, if it ends before."""
    while READY not in log.read_text():
        assert process.poll() is None, log.read_text()
        time.sleep(LOOK_EVERY_S)
