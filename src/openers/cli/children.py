"""Child processes that end with this one: the Test PAS beside the demo service."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import typer

LAST_LINES: Final = 20
START_WITHIN_S: Final = 60.0
STOP_WITHIN_S: Final = 10
PAUSE_S: Final = 0.05
_SET_DEATH_SIGNAL: Final = 1


@contextmanager
def child(
    name: str, command: Sequence[str], log: Path, address: tuple[str, int], within_s: float = START_WITHIN_S
) -> Generator[None]:
    """Run `command` beside this process with its output in the file `log`, and stop it at the end.

    The block begins when the child listens at `address`, which was free before. If the child ends early, its last lines
    are printed and this process is stopped. Raises `typer.Exit` then, and if the child does not listen within
    `within_s` seconds.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent
        )
    if not _has_started(process, address, within_s):
        if process.poll() is None:
            _stop(process)
            raise _failed(f"{name} did not listen at port {address[1]} within {within_s:.0f} s", log)
        raise _failed(f"{name} ended with status {process.returncode}", log)
    stopping = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process, stopping), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        died = process.poll() is not None
        stopping.set()
        _stop(process)
    if died:
        raise _failed(f"{name} ended with status {process.returncode}", log)


def _failed(reason: str, log: Path) -> typer.Exit:
    """Print why the child does not serve, with the end of its log; return the error to raise."""
    typer.echo(f"openers: {reason}; its last lines were:\n{_tail(log)}", err=True)
    return typer.Exit(1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate the child; kill it if it does not end in time."""
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _has_started(process: subprocess.Popen[bytes], address: tuple[str, int], within_s: float) -> bool:
    """Wait until the child listens; return whether it did in time."""
    until = time.monotonic() + within_s
    while process.poll() is None and time.monotonic() < until:
        if _is_listened_at(address):
            return True
        time.sleep(PAUSE_S)
    return False


def _is_listened_at(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, 1).close()
    except OSError:
        return False
    return True


def _watch(process: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    """Stop this process if the child ends early."""
    process.wait()
    if not stopping.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _die_with_parent() -> None:
    """On Linux, let the kernel stop the child if this process is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-LAST_LINES:])
