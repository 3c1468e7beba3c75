"""A pytest plugin: a complete run must receive every reply that the official OpenAPI document lists.

So each error code of an operation has a rule, and each rule has a test. `tests/conformance/unmet.txt` names the replies
that this service can never send, each with its reason. If a test receives one of these, the run fails too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.kit.documents import listed
from tests.kit.documents.reference import DIRECTORY
from tests.kit.run.budget import asks_for_everything

MET: Final = "answers"
BETWEEN: Final = ", "
UNMET: Final = "tests/conformance/unmet.txt"


def pytest_configure(config: pytest.Config) -> None:
    """Register the plugin in the main process, which receives the reports of all worker processes."""
    if DIRECTORY and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Answers(config.rootpath, is_whole=asks_for_everything(config)), "openers-answers")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Add the replies that a test received to its report."""
    if answers := listed.taken():
        item.user_properties.append((MET, BETWEEN.join(answers)))


class Answers:
    """Collect the replies that a run received, and fail the run if listed ones are missing."""

    def __init__(self, root: Path, *, is_whole: bool) -> None:
        """`root` is the project's folder. Only a complete run can fail."""
        self._root, self._is_whole = root, is_whole
        self._met: set[str] = set()
        self._faults: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Read the replies from the last report of a test."""
        if report.when == "teardown":
            told = (str(answers) for name, answers in report.user_properties if name == MET)
            self._met.update(answer for answers in told for answer in answers.split(BETWEEN))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run whose tests all passed, if the replies are not as expected."""
        if self._is_whole:
            self._faults = faults(self._met, listed.listed(), excused((self._root / UNMET).read_text("utf-8")))
        if self._faults and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print each difference."""
        for fault in self._faults:
            terminalreporter.write_line(f"FAILED {fault}", red=True)


def excused(text: str) -> set[str]:
    """Return the replies that a file names. Each line has the reply, a colon, and the reason why it never occurs."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {line.partition(": ")[0] for line in lines if line}


def faults(met: set[str], expected: frozenset[str], excused: set[str]) -> list[str]:
    """Return the differences between the replies that a run received and the expected ones."""
    missing = [f"no test has met an answer that is listed: {each}" for each in sorted(expected - met - excused)]
    return missing + [f"{UNMET} names an answer that is met: {each}" for each in sorted(excused & met)]
