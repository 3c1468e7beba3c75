"""Every command that documentation offers to be run is run, page by page, on a service started as users start it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.checks import documents
from tests.checks.source import ROOT

pytestmark = pytest.mark.needs("curl")

README = ROOT / "README.md"
TUTORIAL = ROOT / "docs/tutorial/first-referral.md"
OTHERS = [
    page
    for page in documents.pages(ROOT)
    if documents.script(page, documents.ADDRESS) and page not in (README, TUTORIAL)
]
LOG_IN = ".venv/bin/openers token user 555073103100"
READY = "Uvicorn running on"
LISTED = ["now NOT_BOOKED", "1", "now BOOKED", "0", "now BOOKED", "1"]
"""The referral of the fourth walk and how often it is on the list: booked, accepted, its letter changed."""
ENDS = ("REJECTED", "NOT_BOOKED", "AWAITING_TRIAGE", "TRIAGED_PROVIDER_TO_ACTION", "CANCELLED_REFERRAL")
"""What becomes of the referral of the fourth walk, from its rejection on."""


@dataclass(frozen=True)
class Demo:
    """A running demo world, and a folder that looks to commands like the project's own."""

    base_url: str
    pas_url: str
    folder: Path
    environment: dict[str, str]

    def script(self, page: Path) -> str:
        """All that can be run of `page`, aimed at this demo world."""
        return documents.script(page, self.base_url, self.pas_url)

    def run(self, commands: str) -> str:
        """What `commands` print, run with bash in the folder. They must succeed."""
        result = subprocess.run(
            ["bash", "-c", commands], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[Demo]:
    """`openers demo`, on a port and a database of its own."""
    folder = tmp_path_factory.mktemp("project")
    for name in (".venv", "docs"):
        (folder / name).symlink_to(ROOT / name)
    port, pas_port = _free_port(), _free_port()
    base_url = f"http://127.0.0.1:{port}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    environment = kept | {"OPENERS_DATABASE_URL": f"sqlite:///{folder}/var/openers.db", "OPENERS_BASE_URL": base_url}
    command = [".venv/bin/openers", "demo", "--port", str(port), "--pas-port", str(pas_port)]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    told: list[str] = []
    for line in process.stdout:
        told.append(line)
        if READY in line:
            break
    assert READY in told[-1], "".join(told)
    running = Demo(base_url, f"http://127.0.0.1:{pas_port}", folder, environment)
    environment["TOKEN"] = running.run(LOG_IN).strip()
    yield running
    process.terminate()
    process.communicate()


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run(demo: Demo, page: Path) -> None:
    demo.run(demo.script(page))


def test_the_walks_end_with_what_they_say(demo: Demo) -> None:
    commands = demo.script(README)
    marks = ("mkdir -p var\n", "UBRN=$(value var/other.json", "act() {")
    for mark in marks:
        assert commands.count(mark) == 1
        commands = commands.replace(mark, f"\necho\necho next walk $UBRN\n{mark}")
    first, second, third, fourth = re.split(r"(?m)^next walk", demo.run(commands))
    created = first.splitlines()[-1]
    assert f'"id":"{second.split()[0]}"' in created
    assert '"NOT_BOOKED"' in created
    assert re.findall(r'"status":"(cancelled|proposed)"', second) == ["cancelled", "proposed"]
    assert third.split("\n", 1)[1].strip() == "Dear colleague, please see this patient."
    told = [line for line in fourth.splitlines()[1:] if not line.startswith("{")]
    assert told == LISTED + [f"now {state}" for state in ENDS]


def test_the_tutorial_is_refused_in_the_three_ways_that_it_names(demo: Demo) -> None:
    told = demo.run(demo.script(TUTORIAL))
    assert re.findall(r"HTTP/1\.1 (\d+)", told) == ["200", "401", "403", "422"]
