"""The marker `needs("chromium")` for tests that need a program that no Python package installs.

If the program is missing, the test is skipped, and one summary line for each program says how to install it. The budget
of skips allows that. With `OPENERS_REQUIRE=all` the test fails instead. A test that runs one of these programs without
the marker fails on each machine, whether the program is installed or not.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

INSTALL: Final = {
    "bash": "apt-get install bash",
    "buildah": "apt-get install buildah",
    "chromium": "apt-get install chromium",
    "java": "apt-get install default-jdk-headless",
    "keytool": "apt-get install default-jre-headless",
    "node": "apt-get install nodejs",
    "npm": "apt-get install npm",
    "clamd": "apt-get install clamav-daemon",
    "curl": "apt-get install curl",
    "debootstrap": "apt-get install debootstrap",
    "git": "apt-get install git",
    "haproxy": "apt-get install haproxy",
    "nginx": "apt-get install nginx-light",
    "openssl": "apt-get install openssl",
    "wrk": "apt-get install wrk",
    "strace": "apt-get install strace",
    "systemd-analyze": "apt-get install systemd",
}
"""Each program that a test may need, with its Debian install command. Tests also require Python and make."""

REFUSAL: Final = "#!/bin/sh\necho \"a test runs {tool} without @pytest.mark.needs('{tool}')\" >&2\nexit 127\n"
PATH: Final = pytest.StashKey[str]()
"""The search path of the run, before tests hide programs from it."""
REFUSALS: Final = pytest.StashKey[Path]()
"""A directory with one folder for each program. The folder has a substitute of that name that always fails."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and create the substitutes that always fail."""
    config.addinivalue_line("markers", f"needs(tool, ...): needs a program: {', '.join(INSTALL)}")
    config.stash[PATH] = path = os.environ.get("PATH", os.defpath)
    directory = TemporaryDirectory()
    config.stash[REFUSALS] = Path(directory.name)
    for tool in INSTALL:
        program = config.stash[REFUSALS] / tool / tool
        program.parent.mkdir()
        program.write_text(REFUSAL.format(tool=tool))
        program.chmod(0o755)
    config.add_cleanup(directory.cleanup)
    config.add_cleanup(lambda: os.environ.update(PATH=path))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Reject a marker that names a program that `INSTALL` lacks."""
    unknown = sorted({tool for item in items for tool in needed(item)} - INSTALL.keys())
    if unknown:
        raise pytest.UsageError(f"needs() names unknown tools: {', '.join(unknown)}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is missing, or fail it if all are required. Hide all other programs."""
    path = item.config.stash[PATH]
    missing = [tool for tool in needed(item) if shutil.which(tool, path=path) is None]
    if missing and os.environ.get("OPENERS_REQUIRE") == "all":
        pytest.fail(f"needs {missing[0]} ({INSTALL[missing[0]]}), and OPENERS_REQUIRE=all", pytrace=False)
    if missing:
        pytest.skip(f"needs {missing[0]}")
    refused = [str(item.config.stash[REFUSALS] / tool) for tool in INSTALL.keys() - set(needed(item))]
    os.environ["PATH"] = os.pathsep.join([*refused, path])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line per missing program: how many tests were skipped, and how to install it."""
    skipped = terminalreporter.stats.get("skipped", [])
    missing = Counter(
        tool for report in skipped for tool in INSTALL if str(report.longrepr).endswith(f"needs {tool}')")
    )
    for tool, count in missing.items():
        terminalreporter.write_line(f"{count} skipped without {tool}: {INSTALL[tool]}")


def needed(item: pytest.Item) -> Iterator[str]:
    """Return the programs that a test declares."""
    return (tool for marker in item.iter_markers("needs") for tool in marker.args)


def is_for_a_missing_tool(config: pytest.Config, reason: str) -> bool:
    """Return whether `reason` names a missing program, and that program is really missing."""
    tool = reason.removeprefix("needs ")
    return tool != reason and tool in INSTALL and shutil.which(tool, path=config.stash[PATH]) is None
