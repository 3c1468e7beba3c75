"""What a green run must not hide: tests that were skipped, and comparisons with published examples that were not made.

A skip is allowed if its program is missing (see `tests/kit/run/needs.py`), or if `tests/skips.txt` lists its file and
reason; an expected failure counts as a skip. A run of the whole conformance suite must make at least as many
comparisons as `tests/conformance/expected_comparisons.txt` says.
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
"""What a run is asked for when it is asked for the whole conformance suite."""


@pytest.fixture
def compared(record_property: Callable[[str, object], None]) -> Callable[[int], None]:
    """Counts comparisons with published examples: `compared(3)` adds three to the run's total."""
    return lambda count: record_property(COMPARISONS, count)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the account where all reports arrive: in the process that was started, not in its workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Account(config), "openers-account")


def allowed(text: str) -> list[tuple[str, str]]:
    """The lines of `tests/skips.txt`: pattern of the file, and reason."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    pairs = (line.partition(": ") for line in lines if line)
    return [(pattern.strip(), reason.strip()) for pattern, _, reason in pairs]


def is_listed(path: str, reason: str, listed: list[tuple[str, str]]) -> bool:
    """Whether one of the `listed` lines allows tests in `path` to be skipped for `reason`."""
    return any(fnmatch(path, pattern) and reason == known for pattern, known in listed)


class Account:
    """Adds up skips and comparisons of one run, and fails it where they are not as committed."""

    def __init__(self, config: pytest.Config) -> None:
        """`config` tells where the committed numbers are and what the run was asked for."""
        self._config, self._root = config, config.rootpath
        self._is_whole = asks_for_everything(config, WHOLE_CONFORMANCE)
        self._skips: set[tuple[str, str]] = set()
        self._comparisons = 0
        self._faults: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what became of one phase of one test."""
        self._note_skip(report)
        if report.when == "call":
            self._comparisons += sum(int(str(count)) for name, count in report.user_properties if name == COMPARISONS)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take in a module that skipped itself."""
        self._note_skip(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that passed otherwise."""
        self._faults = [*self._unlisted_skips(), *self._missing_comparisons()]
        if self._faults and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is not as committed."""
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
    """Whether a run is one of all tests, or of all in one of the `alternatives`, with what they compare with."""
    asked = {argument.rstrip("/") for argument in config.args}
    chosen = config.option.keyword or config.option.markexpr or config.option.collectonly
    return asked in alternatives and not chosen and bool(os.environ.get("OPENERS_REFERENCE_DIR"))


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""
