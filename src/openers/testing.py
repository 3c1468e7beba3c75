"""pytest plugin: a service of this process, and for each test a world of its own with a clock of its own.

Put `pytest_plugins = ["openers.testing"]` into your `conftest.py` and ask for `openers_world`. The service speaks
HTTP, so any client will do. It begins with the pack that the ini option `openers_pack` names, and has its own PAS.
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
"""The limit of each wait: for the start, for a reply of the control plane, for the end."""
LET_GO_AFTER_S: Final = 3
"""After so many seconds the end drops connections that clients keep open."""
TENANT: Final = "X-OpenERS-Tenant"
ROLE: Final = ("NHSD-End-User-Organisation-ODS", "NHSD-eRS-Business-Function")
REFUSED: Final = 400


class ControlRefused(AssertionError):
    """The control plane refused what a test wanted of its world. The text says why."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of the plugin."""
    parser.addini(
        "openers_pack", "the pack with which every world of openers.testing begins: a name or a path", default="demo"
    )


class TestedService:
    """A service in a thread of this process. `base_url` is where it answers."""

    __test__ = False

    def __init__(self, directory: Path, pack: str, within_s: float = WITHIN_S, folder: Path = Path()) -> None:
        """Start it on a free port of this machine, with its files in `directory`; paths of packs begin in `folder`.

        Raises RuntimeError, which says what the start waited for, if the start fails or takes `within_s` seconds.
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
        """End it. Raises RuntimeError, which says what the end waits for, if that takes `within_s` seconds."""
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
        import uvicorn  # these take a while to import, and a run without the plugin's fixtures needs none of them

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
        """Have the server end when the test run does."""
        await asyncio.to_thread(self._end.wait)
        server.should_exit = True


@dataclass(frozen=True)
class Role:
    """Who acts: a person in a role at an organisation."""

    user: str
    organisation: str
    function: str


class WorldOfTest:
    """The world of one test: requests with its `headers` go there and nowhere else."""

    def __init__(self, service: TestedService, name: str) -> None:
        """A fork of the service's main world, which no test changes."""
        self.service, self.name = service, name
        self.base_url: Final = service.base_url
        self.fhir_url: Final = f"{service.base_url}/referrals/FHIR"
        self.clock: Final = ClockOfTest(self)
        self.control("POST", "/worlds", {"name": name})

    @property
    def tenant(self) -> dict[str, str]:
        """The header that names this world; send it with every request, log-ins too."""
        return {TENANT: self.name}

    def headers(self, who: Role | str) -> dict[str, str]:
        """The headers of somebody who is logged in: a role, or a business function for the pack's person in it."""
        role = who if isinstance(who, Role) else self.person(who)
        token = self.token(role.user)
        return {**self.tenant, "Authorization": f"Bearer {token}", ROLE[0]: role.organisation, ROLE[1]: role.function}

    def person(self, function: str) -> Role:
        """The pack's person for a business function. Raises LookupError."""
        pack = read_pack(self.service.pack)
        named = {str(each): user for each, user in pack.open_to.items()}
        for user in pack.users:
            for role in user.roles:
                if user.id == named.get(function) and function in role.functions:
                    return Role(str(user.id), str(role.organisation), function)
        raise LookupError(f"pack {pack.name} names nobody for {function}; its table open_to has {', '.join(named)}")

    def token(self, user: str | None = None, application: str = "demo-user-app") -> str:
        """An access token of a person, or of an application by itself."""
        wanted = {"application": application} | ({} if user is None else {"user": user})
        return str(self.control("POST", "/sessions", wanted)["access_token"])

    def call(
        self, method: str, path: str, body: Any = None, who: Role | str = "REFERRING_CLINICIAN", **headers: str
    ) -> Answer:
        """Call an operation as somebody: `path` begins with /STU3 or /R4. Underscores in `headers` mean dashes."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**self.headers(who), "Content-Type": "application/fhir+json", **more}
        return send(method, f"{self.fhir_url}{path}", None if body is None else json.dumps(body), sent)

    def events(self, since: int = 0) -> list[dict[str, Any]]:
        """What has happened in this world, in order."""
        events: list[dict[str, Any]] = self.control("GET", f"/events?since={since}")["events"]
        return events

    def load(self, pack: str, seed: int = 0) -> None:
        """Replace everything by a pack: a name, or a path from the project's folder, whose file is sent as it is now.

        Raises ControlRefused, OSError.
        """
        sent = to_send(self.service.folder / pack) if is_path(pack) else {"pack": pack}
        self.control("POST", f"/worlds/{self.name}/load", {**sent, "seed": seed})

    def snapshot(self, name: str) -> None:
        """Keep this world as it is now, under a name of its own."""
        self.control("POST", f"/worlds/{self.name}/snapshot", {"name": f"{self.name}-{name}"})

    def restore(self, name: str) -> None:
        """Put this world back to one of its snapshots."""
        self.control("POST", f"/worlds/{self.name}/restore", {"name": f"{self.name}-{name}"})

    def reset(self) -> None:
        """Put this world back to what it began as."""
        self.control("POST", f"/worlds/{self.name}/reset")

    def drop(self) -> None:
        """End it."""
        self.control("DELETE", f"/worlds/{self.name}")

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the control plane below `/_test`. Raises ControlRefused."""
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
        """Asks through `world`."""
        self._world = world

    def now(self) -> datetime:
        """What it shows."""
        return _instant(self._world.control("GET", "/clock"))

    def set(self, now: datetime) -> datetime:
        """Move its hands; nothing runs by that."""
        return _instant(self._world.control("PUT", "/clock", {"now": now.isoformat()}))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Stop it, now or at an instant."""
        wanted = {"running": False} | ({} if at is None else {"now": at.isoformat()})
        return _instant(self._world.control("PUT", "/clock", wanted))

    def run(self) -> datetime:
        """Let it run on."""
        return _instant(self._world.control("PUT", "/clock", {"running": True}))

    def advance(self, **stretch: float) -> list[dict[str, Any]]:
        """Live through days, hours, minutes and seconds; what ran on the way, in order."""
        ran: list[dict[str, Any]] = self._world.control("POST", "/clock/advance", stretch)["ran"]
        return ran


@pytest.fixture(scope="session")
def openers_service(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Generator[TestedService]:
    """A service of this process, for the whole run."""
    pack = str(pytestconfig.getini("openers_pack"))
    service = TestedService(tmp_path_factory.mktemp("openers"), pack, folder=pytestconfig.rootpath)
    yield service
    service.stop()


@pytest.fixture
def openers_world(openers_service: TestedService, request: pytest.FixtureRequest) -> Generator[WorldOfTest]:
    """A world for one test, with everything that its pack holds."""
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
