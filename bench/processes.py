"""Servers for a benchmark: start them on a free port, wait until they respond, measure memory, and stop them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

AS_IN_PRODUCTION: Final = {"OPENERS_KEPT_EXCHANGES": "0", "PYTHONDONTWRITEBYTECODE": ""}
"""Measure test mode, since a log-in is needed, but without recording calls, and with compiled modules."""


class Server(msgspec.Struct, frozen=True):
    """A running server: its address, process id, and seconds until the first reply."""

    base_url: str
    pid: int
    started_s: float

    def memory_mib(self) -> float:
        """Return the proportional memory of the process and its children, in MiB."""
        return sum(map(_pss_kib, _family(self.pid))) / 1024


@contextmanager
def server(
    arguments: list[str], environ: Mapping[str, str], probe: str, directory: Path, port: int | None = None
) -> Generator[Server]:
    """Start a server with `arguments`, in which `PORT` is replaced by its port; stop it after the block."""
    port = port or free_port()
    command = [sys.executable, *(each.replace("PORT", str(port)) for each in arguments)]
    began = time.perf_counter()
    with (directory / "server.log").open("a") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own command line
            command, env={**os.environ, **AS_IN_PRODUCTION, **environ}, stdout=log, stderr=log
        )
        try:
            base_url = f"http://127.0.0.1:{port}"
            _await(f"{base_url}{probe}", process)
            yield Server(base_url, process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 -- an address of this machine
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
    raise RuntimeError(f"no answer from {url} within 30 s")


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def work_s(pid: int, *, whole: bool = False) -> float:
    """Return the seconds of processor time that a process has used; with `whole`, its children too."""
    if whole:
        return sum(map(work_s, _family(pid)))
    used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _pss_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
