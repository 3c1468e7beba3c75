"""A pytest plugin: fail a run that skipped tests without permission, or compared too few published examples.

A skip is allowed if its program is missing (see `tests/kit/run/needs.py`), or if `tests/skips.txt` lists its file and
reason. An expected failure counts as a skip. A run of the whole conformance suite must make at least as many
comparisons as `tests/conformance/expected_comparisons.txt` requires.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

from tests.kit.run.needs import is_for_a_missing_tool

COMPARISONS: Final = "comparisons"
SKIPS: Final = "tests/skips.txt"
EXPECTED: Final = "tests/conformance/expected_comparisons.txt"
WHOLE_CONFORMANCE: Final = ({"tests"}, {"tests/conformance"})
"""The pytest arguments that select the whole conformance suite."""


@pytest.fixture
def compared(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Count comparisons with published examples: `compared(3)` adds three to the run's total."""
    return lambda count: record_property(COMPARISONS, count)


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin in the main process, which receives the reports of all worker processes."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Account(config), "openers-account")


def allowed(text: str) -> list[tuple[str, str]]:
    """Return the lines of `tests/skips.txt`: file pattern and reason."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    pairs = (line.partition(": ") for line in lines if line)
    return [(pattern.strip(), reason.strip()) for pattern, _, reason in pairs]


def is_listed(path: str, reason: str, listed: list[tuple[str, str]]) -> bool:
    """Return whether one of the `listed` lines allows tests in `path` to be skipped for `reason`."""
    return any(fnmatch(path, pattern) and reason == known for pattern, known in listed)


class Account:
    """Count the skips and comparisons of one run, and fail the run if they differ from the committed files."""

    def __init__(self, config: pytest.Config) -> None:
        """`config` gives the project's folder and the arguments of the run."""
        self._config, self._root = config, config.rootpath
        self._is_whole = asks_for_everything(config, WHOLE_CONFORMANCE)
        self._skips: set[tuple[str, str]] = set()
        self._comparisons = 0
        self._faults: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the skip or the comparisons of one phase of a test."""
        self._note_skip(report)
        if report.when == "call":
            self._comparisons += sum(int(str(count)) for name, count in report.user_properties if name == COMPARISONS)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a module that skipped itself."""
        self._note_skip(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run whose tests all passed, if a skip is not listed or comparisons are missing."""
        self._faults = [*self._unlisted_skips(), *self._missing_comparisons()]
        if self._faults and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the number of comparisons and each difference."""
        if self._comparisons:
            terminalreporter.write_line(f"{self._comparisons} comparisons with published examples")
        for fault in self._faults:
            terminalreporter.write_line(f"FAILED {fault}", red=True)

    def _note_skip(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped:
            expected_failure = getattr(report, "wasxfail", None)
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            told = f"expected failure {expected_failure}" if expected_failure is not None else reason
            self._skips.add((report.nodeid.partition("::")[0], told.removeprefix("Skipped: ")))

    def _unlisted_skips(self) -> list[str]:
        listed = allowed(_text(self._root / SKIPS))
        return [
            f"skip that {SKIPS} does not list: {path}: {reason}"
            for path, reason in sorted(self._skips)
            if not is_for_a_missing_tool(self._config, reason) and not is_listed(path, reason, listed)
        ]

    def _missing_comparisons(self) -> list[str]:
        expected = int(_text(self._root / EXPECTED).strip() or 0)
        if not self._is_whole or self._comparisons >= expected:
            return []
        return [f"{self._comparisons} comparisons with published examples: {EXPECTED} says {expected}"]


def asks_for_everything(config: pytest.Config, alternatives: tuple[set[str], ...] = ({"tests"},)) -> bool:
    """Return whether the run covers all tests, or all of one of the `alternatives`, with the reference folder set."""
    asked = {argument.rstrip("/") for argument in config.args}
    chosen = config.option.keyword or config.option.markexpr or config.option.collectonly
    return asked in alternatives and not chosen and bool(os.environ.get("OPENERS_REFERENCE_DIR"))


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""
