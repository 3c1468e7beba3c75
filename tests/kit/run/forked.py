"""Run `openers` in a separate process without the second that Python needs to import it.

The process is a fork of one that has imported the service. It has its own memory, files, signals and process group, and
reads its arguments and environment like a new process. Tests of the program's start run the program itself:
`tests/checks/test_docs_commands.py`, and `tests.kit.service.live` with a `prefix`.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Final

FORKS: Final = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.kit.run.everything", __name__])


class Forked:
    """A process that runs `openers`. It offers the part of `subprocess.Popen` that tests use."""

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], out: Path, err: Path | None = None
    ) -> None:
        """Start the process. It writes to the files `out` and `err`, or everything to `out`."""
        self._words = words
        self._process = FORKS.Process(target=_run, args=(list(words), dict(environment), out, err or out, Path.cwd()))
        self._process.start()

    @property
    def pid(self) -> int:
        """Return the id of the process, which is also the id of its process group."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal, or `None` while the process runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Return the exit status. Raise subprocess.TimeoutExpired after `timeout` seconds."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(["openers", *self._words], timeout)
        return status


def start(
    words: Sequence[str], environment: Mapping[str, str], out: Path, err: Path | None = None
) -> Forked | subprocess.Popen[bytes]:
    """Start `openers`: as a fork, or as a new process if it has a source of its own or processes below it."""
    if "PYTHONPATH" not in environment and "OPENERS_WORKERS" not in environment and "--workers" not in words:
        return Forked(words, environment, out, err)
    command = [sys.executable, "-m", "openers.cli.main", *words]
    with out.open("ab") as written, (err or out).open("ab") as reported:
        return subprocess.Popen(command, env=environment, stdout=written, stderr=reported, start_new_session=True)


def run(words: Sequence[str], environment: Mapping[str, str], folder: Path, timeout: float) -> tuple[int, str, str]:
    """Return the exit status, standard output and standard error of `openers`; the files are made in `folder`.

    Raises subprocess.TimeoutExpired after `timeout` seconds.
    """
    out, err = folder / "stdout", folder / "stderr"
    process = start(words, environment, out, err)
    try:
        return process.wait(timeout), out.read_text("utf-8"), err.read_text("utf-8")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def _run(words: list[str], environment: dict[str, str], out: Path, err: Path, folder: Path) -> None:
    """Run `openers` in the forked process."""
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, out), (2, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["openers", *words]
    from openers.cli.main import app  # already imported by the parent process

    try:
        app()
    finally:
        atexit._run_exitfuncs()  # type: ignore[attr-defined]  # unlike a program, a fork ends without calling them
