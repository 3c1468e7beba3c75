"""Patient Administration Systems (PAS) for tests of the connector: the small one, and the Test PAS if installed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
import uvicorn
from joserfc import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from openers.domain.booking import PasLink
from openers.domain.identifiers import ServiceId
from openers.pas.connector import PasConnector
from openers.system import SystemClock
from tests.kit.pas.small_pas import ISSUER, KEY, SmallPas, small_pas
from tests.kit.run.waiting import HANGS_AFTER_S

SERVICE: Final = ServiceId("11001")
OTHER_SERVICE: Final = ServiceId("11002")
CLINICIAN: Final = "555032006106"
SOON_S: Final = 0.5
KINDS: Final = ("small", "test") if find_spec("openers_testpas") else ("small",)
CLINICS: Final = f"""
[[clinics]]
id = "own"
service = "{SERVICE}"
name = "One"
clinician = "{CLINICIAN}"
priorities = ["ROUTINE", "URGENT"]

[[clinics]]
id = "other"
service = "{OTHER_SERVICE}"
name = "Two"
"""


class Pas(Protocol):
    """The ways in which a test controls a system, besides calling it through the connector."""

    @property
    def link(self) -> PasLink:
        """The link to the system, as the service stores it."""
        ...

    @property
    def issuer(self) -> str:
        """The issuer that the service must name in its token."""
        ...

    def add_slot(self, start: datetime, service: ServiceId = SERVICE) -> str:
        """Add a free slot of 20 minutes; return its id."""
        ...

    def play(self, fault: str) -> None:
        """Simulate a fault from now on: hang, reply with an error, or drop the connection after a booking.

        An empty text ends the fault.
        """
        ...

    def arrive(self, appointment: str) -> None:
        """Record that the patient of an appointment has arrived."""
        ...


def connector(issuer: str, timeout_s: float = HANGS_AFTER_S) -> PasConnector:
    """Return a connector that signs with the key that the systems know."""
    return PasConnector(
        issuer, lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY), SystemClock(), timeout_s
    )


@contextmanager
def system(kind: str, directory: Path) -> Generator[Pas]:
    """Run a system of one of the `KINDS`, without slots."""
    if kind == "small":
        with small_pas() as pas:
            yield Small(pas)
    else:
        with _issuer() as issuer, test_pas(issuer, directory) as pas:
            yield pas


class Small:
    """The small system."""

    issuer = ISSUER

    def __init__(self, pas: SmallPas) -> None:
        """Wrap `pas`, which is already running."""
        self.pas = pas
        self.link = PasLink(SERVICE, pas.url, "some-pas")
        pas.add_schedule("own", SERVICE, CLINICIAN)
        pas.add_schedule("other", OTHER_SERVICE)

    def add_slot(self, start: datetime, service: ServiceId = SERVICE) -> str:
        """See `Pas`."""
        key = f"slot-{len(self.pas.slots)}"
        end = start + timedelta(minutes=20)
        schedule = "own" if service == SERVICE else "other"
        self.pas.add_slot(key, schedule, (start.isoformat(), end.isoformat()), "ROUTINE", "URGENT")
        return key

    def play(self, fault: str) -> None:
        """See `Pas`."""
        self.pas.fault = "500" if fault == "error" else fault

    def arrive(self, appointment: str) -> None:
        """See `Pas`."""
        self.pas.appointments[appointment]["status"] = "arrived"


class TestPas:
    """The Test PAS, set up through its control plane."""

    __test__ = False

    def __init__(self, base_url: str, issuer: str) -> None:
        """Connect to the Test PAS at `base_url`, which serves the service at `issuer`."""
        self.issuer = issuer
        self.link = PasLink(SERVICE, f"{base_url}/fhir", "demo-pas")
        self._control = httpx.Client(base_url=f"{base_url}/_control", timeout=HANGS_AFTER_S)

    def add_slot(self, start: datetime, service: ServiceId = SERVICE) -> str:
        """See `Pas`."""
        clinic = "own" if service == SERVICE else "other"
        slot = {"clinic": clinic, "start": start.isoformat(), "minutes": 20}
        return self._do("POST", "/slots", {"add": [slot]})["added"][0]["id"]

    def play(self, fault: str) -> None:
        """See `Pas`."""
        everywhere = ["slots", "book", "look-up", "cancel"]
        self._do("PUT", "/faults", {"faults": [{"kind": fault, "operations": everywhere}] if fault else []})

    def arrive(self, appointment: str) -> None:
        """See `Pas`."""
        self._do("POST", f"/appointments/{appointment}", {"act": "arrive"})

    def _do(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = self._control.request(method, path, json=body)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else {}


@contextmanager
def test_pas(issuer: str, directory: Path) -> Generator[TestPas]:
    """Run a Test PAS without slots of its own."""
    from openers_testpas.connections import PasProtocol
    from openers_testpas.options import Options  # imported here: the Test PAS is a separate package that may be absent
    from openers_testpas.server import build
    from openers_testpas.system import System

    clinics = directory / "clinics.toml"
    clinics.write_text(CLINICS)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        options = Options(service=issuer, base_url=base_url, database=directory / "pas.db", clinics=clinics)
        ready = threading.Event()
        servers: list[uvicorn.Server] = []

        def _run() -> None:  # its store belongs to the thread that opens it
            config = uvicorn.Config(build(System(options)), http=PasProtocol, log_config=None, access_log=False)
            servers.append(uvicorn.Server(config))
            ready.set()
            servers[0].run([listener])

        thread = threading.Thread(target=_run)
        thread.start()
        ready.wait(HANGS_AFTER_S)
        try:
            yield TestPas(base_url, issuer)
        finally:
            for server in servers:
                server.force_exit = server.should_exit = True
            thread.join(HANGS_AFTER_S)


@contextmanager
def _issuer() -> Generator[str]:
    """Run a service that only publishes the key, and yield its address."""

    async def _keys(request: Request) -> JSONResponse:
        return JSONResponse({"keys": [KEY.as_dict(private=False) | {"kid": "one"}]})

    app = Starlette(routes=[Route("/oauth2/jwks", _keys)])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.force_exit = server.should_exit = True
            thread.join(HANGS_AFTER_S)
