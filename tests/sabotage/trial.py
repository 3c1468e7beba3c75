"""A copy of the project, and test runs in it, with or without a planted fault."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

from tests.kit.run.faults import Fault

LONGEST_S: Final = 240
"""A longer run counts as hanging."""
STOP_WITHIN_S: Final = 30
_COPIED: Final = ("src", "tests", "pyproject.toml")
_RED: Final = re.compile(r"(?m)^FAILED (tests/[^\s\[]+)")


class Run(NamedTuple):
    """The result of a pytest run: exit status (`None` if it hung), first failed test, output and duration."""

    status: int | None
    red: str | None
    output: str
    seconds: float

    @property
    def is_green(self) -> bool:
        """Return whether all tests passed."""
        return self.status == 0

    @property
    def is_red(self) -> bool:
        """Return whether a test failed; a failed set-up or collection does not count."""
        return self.status == 1 and self.red is not None


class Copy:
    """A copy of the project in its own directory."""

    def __init__(self, source: Path, into: Path, bytecode: Path) -> None:
        """Copy the parts of the project at `source` that tests need; runs share compiled files in `bytecode`.

        Paths are short, because PostgreSQL's socket path below them may have at most 107 characters.
        """
        self._root, self._scratch, self._bytecode = into / "p", into / "t", bytecode
        self._root.mkdir(parents=True)
        for name in _COPIED:
            if (source / name).is_dir():
                shutil.copytree(source / name, self._root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source / name, self._root / name)

    def run(self, tests: Iterable[str], options: Sequence[str] = ("-x",)) -> Run:
        """Run tests in the copy."""
        began = monotonic()
        command = [sys.executable, "-m", "pytest", "-p", "tests.sabotage.guard", f"--basetemp={self._scratch}"]
        process = subprocess.Popen(
            [*command, "--tb=short", *options, *tests],
            cwd=self._root,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        status, output = _ended(process)
        red = _RED.search(output)
        return Run(status, red[1] if red else None, output, monotonic() - began)

    @contextmanager
    def planted(self, fault: Fault) -> Generator[None]:
        """Plant the fault in the copy, and remove it afterwards. Raises Misfit."""
        changed = fault.planted(self._root)
        kept = {file: (self._root / file).read_text("utf-8") for file in changed}
        try:
            self._write(changed)
            yield
        finally:
            self._write(kept)

    def _write(self, texts: dict[str, str]) -> None:
        for file, text in texts.items():
            path = self._root / file
            path.write_text(text, "utf-8")
            compiled = self._bytecode.joinpath(*path.parts[1:-1])
            for stale in compiled.glob(f"{path.stem}.*"):  # it may look as new as the file just written
                stale.unlink()

    def _environment(self) -> dict[str, str]:
        own = ("OPENERS_", "PYTEST_", "PYTHON")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        path = f"{self._root / 'src'}{os.pathsep}{self._root}"
        return {**inherited, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": str(self._bytecode)}


def _ended(process: subprocess.Popen[str]) -> tuple[int | None, str]:
    """Return exit status and output; a hanging run may clean up before it is killed."""
    try:
        output, _ = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
        return None, output
    return process.returncode, output
