"""pytest plugin: a service in this process, and for each test its own world with its own clock.

Put `pytest_plugins = ["openers.testing"]` into your `conftest.py` and use the fixture `openers_world`. The service uses
HTTP, so any client works. It begins with the pack in the ini option `openers_pack`, and simulates its PAS.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from openers.settings import Settings, read_settings
from openers.worlds.packs import is_path, read_pack, reference_to, to_send, world_name
from openers_client.http import Answer, send

WITHIN_S: Final = 120.0
"""Limit of each wait in seconds: for the start, for a reply of test control, for the end."""
LET_GO_AFTER_S: Final = 3
"""Seconds after which the end drops connections that clients keep open."""
TENANT: Final = "X-OpenERS-Tenant"
ROLE: Final = ("NHSD-End-User-Organisation-ODS", "NHSD-eRS-Business-Function")
REFUSED: Final = 400


class ControlRefused(AssertionError):
    """Test control refused a test's request. The text gives the reason."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the plugin."""
    parser.addini("openers_pack", "the initial pack of each world of openers.testing: a name or a path", default="demo")


class TestedService:
    """A service in a thread of this process, with its address `base_url`."""

    __test__ = False

    def __init__(self, directory: Path, pack: str, within_s: float = WITHIN_S, folder: Path = Path()) -> None:
        """Start it on a free port of this machine, with its files in `directory`; pack paths are relative to `folder`.

        Raises RuntimeError, which names the awaited step, if the start fails or takes `within_s` seconds.
        """
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url: Final = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.pack: Final = reference_to(pack, folder)
        self.folder: Final = folder
        self._settings = _settings(directory, self.base_url, self.pack)
        self._ready, self._end = threading.Event(), threading.Event()
        self._failure: BaseException | None = None
        self._awaited = "the modules of the service to be imported"
        self._thread = threading.Thread(target=self._run, name="openers", daemon=True)
        self._thread.start()
        if not self._starts(within_s):
            raise RuntimeError(f"the service did not start within {within_s:.0f} s: it waits for {self._awaited}")
        if self._failure is not None:
            waited = f"it waited for {self._awaited}"
            raise RuntimeError(f"the service did not start: {self._failure!r} while {waited}") from self._failure

    def stop(self, within_s: float = WITHIN_S) -> None:
        """Stop it. Raises RuntimeError, which names the awaited step, if that takes `within_s` seconds."""
        self._end.set()
        self._thread.join(within_s)
        if self._thread.is_alive():
            raise RuntimeError(f"the service did not stop within {within_s:.0f} s: it waits for {self._awaited}")

    def _starts(self, within_s: float) -> bool:
        """Wait until it serves or has failed; return whether that was in time."""
        return self._ready.wait(within_s)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        import uvicorn  # slow to import, and not needed by runs without the plugin's fixtures

        from openers.api.http.connections import protocol_of
        from openers.worlds.mode import open_test_service
        from openers.worlds.recording.connection import ControlledProtocol

        self._awaited = f"the database {self._settings.database_url} to be opened"
        service = await open_test_service(self._settings, own_pas=True)
        self._awaited = f"the pack {self.pack} to be loaded"
        await service.worlds.load(service.worlds.main, self.pack)
        options: dict[str, Any] = {
            "http": protocol_of(service.settings, ControlledProtocol),
            "timeout_graceful_shutdown": LET_GO_AFTER_S,
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
        }
        config = uvicorn.Config(service, **options)
        server = uvicorn.Server(config)
        serving = asyncio.gather(server.serve(sockets=[self._socket]), self._wait(server))
        self._awaited = "its connections to be closed"
        self._ready.set()
        try:
            await serving
        finally:
            self._awaited = "the work in its worlds to end"
            await service.close()
            await service.world.store.close()

    async def _wait(self, server: Any) -> None:
        """Stop the server at the end of the test run."""
        await asyncio.to_thread(self._end.wait)
        server.should_exit = True


@dataclass(frozen=True)
class Role:
    """A user in a role at an organisation."""

    user: str
    organisation: str
    function: str


class WorldOfTest:
    """The world of one test: requests with its `headers` go only there."""

    def __init__(self, service: TestedService, name: str) -> None:
        """Fork the service's main world, which no test changes."""
        self.service, self.name = service, name
        self.base_url: Final = service.base_url
        self.fhir_url: Final = f"{service.base_url}/referrals/FHIR"
        self.clock: Final = ClockOfTest(self)
        self.control("POST", "/worlds", {"name": name})

    @property
    def tenant(self) -> dict[str, str]:
        """Return the header that names this world; send it with each request, log-ins too."""
        return {TENANT: self.name}

    def headers(self, who: Role | str) -> dict[str, str]:
        """Return the headers of a logged-in user: a role, or a business function for the pack's user in it."""
        role = who if isinstance(who, Role) else self.person(who)
        token = self.token(role.user)
        return {**self.tenant, "Authorization": f"Bearer {token}", ROLE[0]: role.organisation, ROLE[1]: role.function}

    def person(self, function: str) -> Role:
        """Return the pack's user for a business function. Raises LookupError."""
        pack = read_pack(self.service.pack)
        named = {str(each): user for each, user in pack.open_to.items()}
        for user in pack.users:
            for role in user.roles:
                if user.id == named.get(function) and function in role.functions:
                    return Role(str(user.id), str(role.organisation), function)
        raise LookupError(f"pack {pack.name} has no user for {function}; its table open_to has {', '.join(named)}")

    def token(self, user: str | None = None, application: str = "demo-user-app") -> str:
        """Return an access token of a user, or of an application for itself."""
        wanted = {"application": application} | ({} if user is None else {"user": user})
        return str(self.control("POST", "/sessions", wanted)["access_token"])

    def call(
        self, method: str, path: str, body: Any = None, who: Role | str = "REFERRING_CLINICIAN", **headers: str
    ) -> Answer:
        """Call an operation in a role: `path` begins with /STU3 or /R4. Underscores in `headers` mean dashes."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**self.headers(who), "Content-Type": "application/fhir+json", **more}
        return send(method, f"{self.fhir_url}{path}", None if body is None else json.dumps(body), sent)

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the events in this world, in order."""
        events: list[dict[str, Any]] = self.control("GET", f"/events?since={since}")["events"]
        return events

    def load(self, pack: str, seed: int = 0) -> None:
        """Replace all data with a pack: a name, or a path in the project's folder, whose current file is uploaded.

        Raises ControlRefused, OSError.
        """
        sent = to_send(self.service.folder / pack) if is_path(pack) else {"pack": pack}
        self.control("POST", f"/worlds/{self.name}/load", {**sent, "seed": seed})

    def snapshot(self, name: str) -> None:
        """Save this world as a snapshot."""
        self.control("POST", f"/worlds/{self.name}/snapshot", {"name": f"{self.name}-{name}"})

    def restore(self, name: str) -> None:
        """Restore this world from one of its snapshots."""
        self.control("POST", f"/worlds/{self.name}/restore", {"name": f"{self.name}-{name}"})

    def reset(self) -> None:
        """Reset this world to its initial state."""
        self.control("POST", f"/worlds/{self.name}/reset")

    def drop(self) -> None:
        """Delete this world."""
        self.control("DELETE", f"/worlds/{self.name}")

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call test control below `/_test`. Raises ControlRefused."""
        own = {} if path == "/worlds" or path.startswith("/worlds/") else self.tenant
        sent = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", **own}
        answer = send(method, f"{self.base_url}/_test{path}", sent, headers, WITHIN_S)
        if answer.status >= REFUSED:
            raise ControlRefused(answer.text)
        return answer.json()


class ClockOfTest:
    """The clock of a test's world."""

    def __init__(self, world: WorldOfTest) -> None:
        """Store `world`, through which it calls test control."""
        self._world = world

    def now(self) -> datetime:
        """Return the time of the clock."""
        return _instant(self._world.control("GET", "/clock"))

    def set(self, now: datetime) -> datetime:
        """Set the clock without running due work."""
        return _instant(self._world.control("PUT", "/clock", {"now": now.isoformat()}))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Stop the clock, now or at an instant."""
        wanted = {"running": False} | ({} if at is None else {"now": at.isoformat()})
        return _instant(self._world.control("PUT", "/clock", wanted))

    def run(self) -> datetime:
        """Start the clock."""
        return _instant(self._world.control("PUT", "/clock", {"running": True}))

    def advance(self, **stretch: float) -> list[dict[str, Any]]:
        """Advance by days, hours, minutes and seconds; return the work that ran, in order."""
        ran: list[dict[str, Any]] = self._world.control("POST", "/clock/advance", stretch)["ran"]
        return ran


@pytest.fixture(scope="session")
def openers_service(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Generator[TestedService]:
    """Provide a service in this process for the whole run."""
    pack = str(pytestconfig.getini("openers_pack"))
    service = TestedService(tmp_path_factory.mktemp("openers"), pack, folder=pytestconfig.rootpath)
    yield service
    service.stop()


@pytest.fixture
def openers_world(openers_service: TestedService, request: pytest.FixtureRequest) -> Generator[WorldOfTest]:
    """Provide a world for one test, with all data of its pack."""
    world = WorldOfTest(openers_service, f"test-{id(request.node):x}")
    yield world
    world.drop()


def _settings(directory: Path, base_url: str, pack: str) -> Settings:
    given = {
        "database_url": f"sqlite:///{directory / 'openers.db'}",
        "audit_key_file": directory / "audit.key",
        "signing_key_file": directory / "signing.pem",
        "base_url": base_url,
        "world": world_name(pack),
    }
    return read_settings({}, given)


def _instant(told: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(told["now"]))
