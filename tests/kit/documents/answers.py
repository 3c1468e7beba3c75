"""A pytest plugin: a whole run must have met every answer that the official document lists.

So that no code of an operation's table of errors is without a rule, and no rule without a test.
`tests/conformance/unmet.txt` names the answers that nothing in this service can give, each with its reason; one that is
met after all fails the run too.
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
    """Add up where all reports arrive: in the process that was started, not in its workers."""
    if DIRECTORY and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Answers(config.rootpath, is_whole=asks_for_everything(config)), "openers-answers")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Have the reports of a test tell what its calls were answered."""
    if answers := listed.taken():
        item.user_properties.append((MET, BETWEEN.join(answers)))


class Answers:
    """Adds up what one run has met, and fails it if that is not what it should be."""

    def __init__(self, root: Path, *, is_whole: bool) -> None:
        """`root` is the project's folder; a run that is not whole is not judged."""
        self._root, self._is_whole = root, is_whole
        self._met: set[str] = set()
        self._faults: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the last report of a test."""
        if report.when == "teardown":
            told = (str(answers) for name, answers in report.user_properties if name == MET)
            self._met.update(answer for answers in told for answer in answers.split(BETWEEN))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that passed otherwise."""
        if self._is_whole:
            self._faults = faults(self._met, listed.listed(), excused((self._root / UNMET).read_text("utf-8")))
        if self._faults and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is not as it should be."""
        for fault in self._faults:
            terminalreporter.write_line(f"FAILED {fault}", red=True)


def excused(text: str) -> set[str]:
    """The answers that a file names, one a line: the answer, a colon, and why nothing gives it."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {line.partition(": ")[0] for line in lines if line}


def faults(met: set[str], expected: frozenset[str], excused: set[str]) -> list[str]:
    """What is wrong with what a run has met."""
    missing = [f"no test has met an answer that is listed: {each}" for each in sorted(expected - met - excused)]
    return missing + [f"{UNMET} names an answer that is met: {each}" for each in sorted(excused & met)]
