"""Processes that live and die with this one: the Test PAS beside the demo service."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer

LAST_LINES: Final = 20
STOP_WITHIN_S: Final = 10
_SET_DEATH_SIGNAL: Final = 1


@contextmanager
def child(name: str, command: Sequence[str], log: Path) -> Generator[None]:
    """Run `command` beside this process, its output in the file `log`, and stop it at the end.

    If it dies by itself, its last lines are printed and this process is told to stop as well. Raises `typer.Exit`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent
        )
    stopping = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process, stopping), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        died = process.poll() is not None
        stopping.set()
        process.terminate()
        process.wait(STOP_WITHIN_S)
    if died:
        typer.echo(
            f"openers: {name} ended with status {process.returncode}; its last lines were:\n{_tail(log)}", err=True
        )
        raise typer.Exit(1)


def _watch(process: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    """Stop this process when the child is gone before its time."""
    process.wait()
    if not stopping.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _die_with_parent() -> None:
    """On Linux, have the kernel stop the child if this process is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:])
