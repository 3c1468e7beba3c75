"""Run a Test PAS for tests: in this process, or in a separate one that can be killed and restarted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx
import msgspec

from openers_testpas.options import Options
from openers_testpas.server import build
from openers_testpas.system import System
from tests.kit.run.waiting import HANGS_AFTER_S
from tests.kit.service.live import free_port
from tests.testpas.referral_service import ReferralService
from tests.testpas.subject import Subject

CLINICS: Final = Path(__file__).parent / "clinics.toml"
SERVICE_ID: Final = "90001"
EMPTY_SERVICE_ID: Final = "90009"
FIRST_PAUSE_S: Final = 0.02


def options_for(service: ReferralService, directory: Path, **changes: Any) -> Options:
    """Return options of a Test PAS that stores everything in `directory`."""
    key = directory / "client.json"
    key.write_bytes(msgspec.json.encode(service.client_key.as_dict(private=True)))
    options = Options(
        service=service.url,
        port=free_port(),
        database=directory / "testpas.db",
        clinics=CLINICS,
        client_id="test-pas",
        client_key=key,
        first_pause_s=FIRST_PAUSE_S,
    )
    return msgspec.structs.replace(options, **changes)


class Hospital(msgspec.Struct, frozen=True):
    """A Test PAS in this process."""

    system: System
    subject: Subject

    @property
    def http(self) -> httpx.AsyncClient:
        """The client that calls it."""
        return self.subject.http


@asynccontextmanager
async def in_process(options: Options, service: ReferralService) -> AsyncGenerator[Hospital]:
    """Run a Test PAS in this process, with its background work."""
    system = System(options)
    app = build(system)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=options.address) as http,
    ):
        yield Hospital(system, Subject(options.fhir_url, http, service, SERVICE_ID, EMPTY_SERVICE_ID))


class Process:
    """A Test PAS in a separate process."""

    def __init__(self, options: Options, log: Path) -> None:
        """Prepare the process; it writes its log to `log`."""
        self.options: Final = options
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process and wait until it replies; fail if it does not."""
        options = self.options
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TESTPAS_")} | {
            "TESTPAS_PORT": str(options.port),
            "TESTPAS_SERVICE": options.service,
            "TESTPAS_DATABASE": str(options.database),
            "TESTPAS_CLIENT_ID": options.client_id,
            "TESTPAS_CLIENT_KEY": str(options.client_key),
            "TESTPAS_CLINICS": str(options.clinics),
            "TESTPAS_FIRST_PAUSE_S": str(options.first_pause_s),
        }
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "openers_testpas", "serve"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        ends = monotonic() + HANGS_AFTER_S
        while not self._answers():
            assert self._process.poll() is None, self._log.read_text()
            assert monotonic() < ends, self._log.read_text()

    def kill(self) -> None:
        """Kill the process, as in a crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(HANGS_AFTER_S)

    def stop(self) -> int:
        """Stop the process in good order, and return its exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(HANGS_AFTER_S)

    def log(self) -> str:
        """Return its log."""
        return self._log.read_text()

    def control(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """Call its control plane."""
        reply = httpx.request(method, f"{self.options.address}/_control{path}", **sent)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.options.address}/_control/state").status_code == 200
        except httpx.TransportError:
            assert self._process is not None
            try:
                self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                return False
            return False


@contextmanager
def as_process(options: Options, directory: Path) -> Generator[Process]:
    """Run a Test PAS in a separate process, which is killed at the end."""
    process = Process(options, directory / "log")
    try:
        process.start()
        yield process
    finally:
        process.kill()


@asynccontextmanager
async def subject_at(process: Process, service: ReferralService) -> AsyncGenerator[Subject]:
    """Yield a process as the service sees it."""
    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(limits=limits, timeout=HANGS_AFTER_S) as http:
        yield Subject(process.options.fhir_url, http, service, SERVICE_ID, EMPTY_SERVICE_ID)
