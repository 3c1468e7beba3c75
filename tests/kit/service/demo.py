"""`openers demo` as users start it: a process with the demo world, a Test PAS, and a folder for commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx

from openers_client import log_in
from tests.kit.run.installed import service_environment
from tests.kit.run.project import ROOT
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import client_of, free_port_with

READY: Final = "OpenERS is ready at"
PAS_ABOVE: Final = 2
"""The difference between the ports of the Test PAS and the service."""


@dataclass(frozen=True)
class Demo:
    """A running demo world, and a folder in which commands find the same files as in the project's folder."""

    base_url: str
    pas_url: str
    folder: Path
    environment: dict[str, str]

    def with_test_packages(self) -> Demo:
        """Return the same world with a folder whose `.venv` has the packages of `make setup-test`."""
        folder = self.folder / "tests"
        if not folder.exists():
            folder.mkdir()
            linked(folder, ROOT / ".venv")
        return replace(self, folder=folder)

    @property
    def health(self) -> dict[str, Any]:
        """Return the reply of its health page."""
        told: dict[str, Any] = httpx.get(f"{self.base_url}/referrals/_status").json()
        return told

    def token(self, user: str) -> str:
        """Log a person in through the pages; return an access token."""
        return log_in(self.base_url, user, client_of("demo-user-app")).access_token

    def run(self, commands: str) -> str:
        """Run `commands` with bash in the folder; return their output. They must succeed."""
        result = subprocess.run(
            ["bash", "-c", commands], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


@contextmanager
def demo_in(folder: Path, database: str = "openers.db", words: Sequence[str] = ()) -> Generator[Demo]:
    """Run `openers demo` on free ports with the packages that `make run` installs. Its database is in `folder`/var.

    Several can run in one folder, each with its own `database`. `words` are additional options.
    """
    linked(folder, service_environment(folder / "environment"))
    with demo_of(".venv/bin/openers", folder, database, words) as demo:
        yield demo


@contextmanager
def demo_of(
    program: Path | str, folder: Path, database: str = "openers.db", words: Sequence[str] = ()
) -> Generator[Demo]:
    """Run `demo` of an installed program on free ports, in `folder`. Its database is in `folder`/var."""
    port = free_port_with(PAS_ABOVE)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    environment = kept | {"OPENERS_DATABASE_URL": f"sqlite:///{folder}/var/{database}"}
    command = [program, "demo", "--port", str(port), *words]
    log = folder / f"{database}.log"  # a file, because a full pipe would block the service
    with log.open("w") as told:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=told, stderr=subprocess.STDOUT)
    try:
        _wait_for(process, log)
        pas_url = f"http://127.0.0.1:{port + PAS_ABOVE}"
        yield Demo(f"http://127.0.0.1:{port}", pas_url, folder, environment | {"OPENERS_PORT": str(port)})
    finally:
        process.terminate()
        process.wait(HANGS_AFTER_S)


def linked(folder: Path, environment: Path) -> None:
    """Link the paths that commands use into a folder: `.venv` and the documents."""
    for name, target in ((".venv", environment), ("docs", ROOT / "docs")):
        if not (folder / name).exists():
            (folder / name).symlink_to(target)


def wait_for_polls(demo: Demo) -> None:
    """Wait until every linked service was polled. The process that runs the test limits the time."""
    until(lambda: demo.health["checks"]["polls"] == "pass", lambda: str(demo.health))


def _wait_for(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the service is ready. If it ends before, raise AssertionError with its log."""

    def _is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return READY in log.read_text()

    until(_is_ready, log.read_text)
