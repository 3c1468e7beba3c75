"""Figures that tests measure: at the end of a run, one line for each that a test has recorded as property `figure`."""

from __future__ import annotations

from typing import Final

import pytest

FIGURE: Final = "figure"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the figures of the tests that passed, in the order of their tests' names."""
    passed: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    for report in sorted(passed, key=lambda each: each.nodeid):
        for name, value in report.user_properties:
            if name == FIGURE and report.when == "call":
                terminalreporter.write_line(str(value))
