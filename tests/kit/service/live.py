"""The service in a separate process, for tests that kill it, restart it or run two of them at once.

Use `live` in a `with` statement. It starts `openers serve` on a free port, waits until it replies, and always stops it.
The database must exist with its data before (see `tests/kit/store/stores.py`). The process shares nothing with the
test's own process.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from importlib.resources import files
from json import loads
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from openers.worlds.packs import keys
from openers_client import Application, log_in
from tests.kit.run.forked import Forked, start
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.running import Person

PING: Final = "/referrals/_ping"


class NotStarted(AssertionError):
    """The process ended before it was ready. The message contains its log."""


class Live:
    """A running `openers serve`, with controls for tests."""

    def __init__(
        self, process: subprocess.Popen[bytes] | Forked, address: tuple[str, int], log: Path, clients: ExitStack
    ) -> None:
        """`process` leads its own process group and writes to the file `log`; `clients` closes the clients."""
        self._process = process
        self._log = log
        self._clients = clients
        self._host, self.port = address
        self.base_url: Final = f"http://{self._host}:{self.port}"

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def log(self) -> str:
        """Return its standard output and standard error so far."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def kill(self) -> None:
        """Kill the process and its children at once, as a crash would (SIGKILL)."""
        self._signal(signal.SIGKILL)
        self._process.wait(HANGS_AFTER_S)

    def stop(self) -> int:
        """Stop the process cleanly (SIGTERM); return its exit status.

        If it takes too long, kill it and raise TimeoutExpired.
        """
        self._signal(signal.SIGTERM)
        try:
            return self._process.wait(HANGS_AFTER_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def as_person(self, who: Person, application: str = "demo-user-app") -> httpx.Client:
        """Return a client of the FHIR edge for `who`, who logs in through the pages as a browser would."""
        token = log_in(self.base_url, who.user, client_of(application)).access_token
        headers = {"Authorization": f"Bearer {token}", **who.headers}
        fhir = f"{self.base_url}/referrals/FHIR"
        return self._clients.enter_context(httpx.Client(base_url=fhir, headers=headers, timeout=HANGS_AFTER_S))

    def wait_until_it_answers(self) -> None:
        """Wait until the service replies. Raise NotStarted if it ends before, AssertionError if it takes too long."""
        until(self._answers, lambda: f"no answer within {HANGS_AFTER_S:.0f} s:\n{self.log()}", self._pause)

    def _pause(self, seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):  # waits for the end of the process between two checks
            raise NotStarted(f"it ended with {self._process.wait(seconds)}:\n{self.log()}")

    def _answers(self) -> bool:
        connection = HTTPConnection(self._host, self.port, timeout=HANGS_AFTER_S)
        try:
            connection.request("GET", PING)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def client_of(application: str) -> Application:
    """Return an application of the demo world as a client that can log in."""
    key: dict[str, str] = loads(files(keys).joinpath(f"{application}.json").read_text())
    return Application(application, key)


def settings_env(database_url: str, keys: Path) -> dict[str, str]:
    """Return the settings of a service on this database with the key files of `settings_for` in `keys`."""
    return {
        "OPENERS_DATABASE_URL": database_url,
        "OPENERS_AUDIT_KEY_FILE": str(keys / "audit.key"),
        "OPENERS_SIGNING_KEY_FILE": str(keys / "sign.pem"),
        "OPENERS_ACCESS_CODE_KEY_FILE": str(keys / "access-codes.key"),
    }


@contextmanager
def live(settings: Mapping[str, str], prefix: Sequence[str] = (), words: Sequence[str] = ()) -> Generator[Live]:
    """Run a service with only these `settings` (`OPENERS_*`, see `settings_env`).

    Without a given port or keys, it uses a free port and new keys. `prefix` is a command that runs the service, such as
    a tracer. `words` are options of `openers serve`. Without a prefix the process is a fork if it can be, which
    starts at once. Raise NotStarted if it ends before it is ready.
    """
    with TemporaryDirectory() as directory, ExitStack() as clients:
        log = Path(directory) / "log"
        environment = _environment(settings, Path(directory))
        address = _option(words, "--host", environment), int(_option(words, "--port", environment))
        process = _traced(prefix, words, environment, log) if prefix else start(["serve", *words], environment, log)
        run = Live(process, address, log, clients)
        try:
            run.wait_until_it_answers()
            yield run
        finally:
            run.kill()


def _traced(
    prefix: Sequence[str], words: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    command = [*prefix, sys.executable, "-m", "openers.cli.main", "serve", *words]
    with log.open("wb") as written:
        return subprocess.Popen(
            command, env=environment, stdout=written, stderr=subprocess.STDOUT, start_new_session=True
        )


def _option(words: Sequence[str], option: str, environment: Mapping[str, str]) -> str:
    """Return the value of an option, or of the variable with the same name."""
    if option in words:
        return words[words.index(option) + 1]
    return environment[f"OPENERS_{option.removeprefix('--').upper()}"]


def _environment(settings: Mapping[str, str], directory: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    port = settings.get("OPENERS_PORT") or str(free_port())
    chosen = {
        "OPENERS_PORT": port,
        "OPENERS_HOST": "127.0.0.1",
        "OPENERS_BASE_URL": f"http://127.0.0.1:{port}",
        "OPENERS_AUDIT_KEY_FILE": str(directory / "audit.key"),
        "OPENERS_SIGNING_KEY_FILE": str(directory / "signing.pem"),
        "OPENERS_ACCESS_CODE_KEY_FILE": str(directory / "access-codes.key"),
    }
    return {**inherited, **chosen, **settings}


def free_port() -> int:
    """Return a port on which no program listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def free_port_with(*above: int) -> int:
    """Return a free port for which the ports `above` it are free too."""
    while True:
        port = free_port()
        with suppress(OSError, OverflowError), ExitStack() as held:
            for each in above:
                held.enter_context(socket.create_server(("127.0.0.1", port + each)))
            return port
