"""The marker `needs("chromium")`: tests that need a tool which no Python package brings.

Without the tool they are skipped, with one summary line per tool and the way to get it; with `OPENERS_REQUIRE=all`
they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

INSTALL: Final = {
    "chromium": "apt-get install chromium",
    "java": "apt-get install default-jre-headless",
    "clamd": "apt-get install clamav-daemon",
    "curl": "apt-get install curl",
    "wrk": "apt-get install wrk",
    "strace": "apt-get install strace",
}
"""Each tool that a test may need (the name of its program), and how Debian installs it."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", f"needs(tool, ...): needs a program: {', '.join(INSTALL)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a marker that names a tool without a way to install it."""
    unknown = sorted({tool for item in items for tool in _needed(item)} - INSTALL.keys())
    if unknown:
        raise pytest.UsageError(f"needs() names unknown tools: {', '.join(unknown)}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tool is missing, or fail it where all tools are required."""
    missing = [tool for tool in _needed(item) if shutil.which(tool) is None]
    if missing and os.environ.get("OPENERS_REQUIRE") == "all":
        pytest.fail(f"needs {missing[0]} ({INSTALL[missing[0]]}), and OPENERS_REQUIRE=all", pytrace=False)
    if missing:
        pytest.skip(f"needs {missing[0]}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once per tool how many tests it kept from running, and how to install it."""
    skipped = terminalreporter.stats.get("skipped", [])
    missing = Counter(
        tool for report in skipped for tool in INSTALL if str(report.longrepr).endswith(f"needs {tool}')")
    )
    for tool, count in missing.items():
        terminalreporter.write_line(f"{count} skipped without {tool}: {INSTALL[tool]}")


def _needed(item: pytest.Item) -> Iterator[str]:
    return (tool for marker in item.iter_markers("needs") for tool in marker.args)
