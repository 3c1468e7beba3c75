"""A mock server in a process of its own, as `openers mock` starts it, and its controls."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.kit.run.command import environment
from tests.kit.run.forked import start
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import free_port


class Mock:
    """The controls of a running mock."""

    def __init__(self, port: int) -> None:
        """Connect to the mock on this machine."""
        self.url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=f"{self.url}/_mock", timeout=HANGS_AFTER_S)

    def fault(self, **fault: Any) -> None:
        """Order a fault."""
        assert self._http.put("/fault", json=fault).status_code == 204

    def change(self, number: str, **change: Any) -> None:
        """Change what PDS knows of a patient."""
        self.put(f"patients/{number}", **change)

    def put(self, path: str, **change: Any) -> None:
        """Change a record of the mock."""
        reply = self._http.put(f"/{path}", json=change)
        assert reply.status_code == 204, reply.text

    def end_tokens(self) -> None:
        """Let every token end."""
        self._http.delete("/tokens")

    def requests(self, part: str) -> int:
        """Return the number of requests to paths that contain `part`."""
        counted: dict[str, int] = self._http.get("/requests").json()
        return sum(number for path, number in counted.items() if part in path)

    def reset(self, records: str = "patients") -> None:
        """Restore all records, and forget faults and requests."""
        for each in ("fault", records, "requests"):
            assert self._http.delete(f"/{each}").status_code == 204

    def answers(self) -> bool:
        """Return whether the mock serves."""
        try:
            return self._http.get("/requests").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def mock(folder: Path, *words: str) -> Generator[Mock]:
    """Run a mock, such as `pds`, until the end of the block."""
    port = free_port()
    process = start(["mock", *words, "--port", str(port)], environment({}), folder / f"{words[0]}.log")
    served = Mock(port)
    try:
        until(served.answers, lambda: (folder / f"{words[0]}.log").read_text())
        yield served
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(HANGS_AFTER_S)
