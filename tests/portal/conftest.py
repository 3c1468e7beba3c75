"""A service and the portal over HTTP for all tests of it, and a walker for each."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator
from pathlib import Path
from threading import Thread
from typing import Final

import pytest
import uvicorn
from msgspec.structs import replace

from openers.testing import TestedService
from openers_portal.app import application
from openers_portal.settings import EnvironmentSettings, Settings
from tests.kit.run.project import ROOT
from tests.kit.run.waiting import until
from tests.kit.service.live import free_port
from tests.kit.web.walker import Walker

KEYS: Final = ROOT / "src/openers/worlds/packs/keys"
OPERATOR: Final = "555040009100"
GP: Final = "555073103100"
PARTNER: Final = {"address": "1 Mill Lane", "contact": "Ada", "email": "ada@moor.example", "consents": ["terms"]}
Enter = Callable[[str], Walker]


@pytest.fixture(scope="session")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestedService]:
    """Provide a service in a thread of this process."""
    service = TestedService(tmp_path_factory.mktemp("portal-service"), "demo", folder=Path())
    yield service
    service.stop()


@pytest.fixture(scope="session")
def portal_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the portal's store."""
    return tmp_path_factory.mktemp("portal") / "portal.db"


@pytest.fixture(scope="session")
def pas_port() -> int:
    """Return the port of the Test PAS of the environment, which a test starts if it needs it."""
    return free_port()


@pytest.fixture(scope="session")
def portal_environment(tested: TestedService, pas_port: int) -> EnvironmentSettings:
    """Return the environment that answers."""
    return EnvironmentSettings(
        name="DEV1",
        base_url=tested.base_url,
        client_id="demo-ops",
        key_file=KEYS / "demo-ops.json",
        purpose="Development",
        test_mode=True,
        pas_url=f"http://127.0.0.1:{pas_port}/fhir",
        pas_client_id="demo-pas",
    )


@pytest.fixture(scope="session")
def portal(tested: TestedService, portal_store: Path, portal_environment: EnvironmentSettings) -> Generator[str]:
    """Provide the address of the portal: one environment is the service, the other one does not answer."""
    listening = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    state = portal_store.parent
    closed = socket.create_server(("127.0.0.1", 0))
    nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    closed.close()
    app = application(
        Settings(
            base_url=base_url,
            issuer=tested.base_url,
            documentation=f"{tested.base_url}/docs/",
            state=state,
            store=f"sqlite:///{portal_store}",
            key=KEYS / "portal.json",
            environments=(
                portal_environment,
                replace(portal_environment, name="INT1", base_url=nowhere, purpose="Integration"),
            ),
            operators=(OPERATOR,),
        )
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until(lambda: server.started, "the portal does not start")
    yield base_url
    server.should_exit = True
    thread.join()


def register(walker: Walker, name: str, code: str) -> str:
    """Register a partner; return the path of its page."""
    walker.go("/partners/register")
    walker.send("Register", name=name, code=code, **PARTNER)
    assert "is registered" in walker.text, walker.text
    return walker.path


def add_product(walker: Walker, name: str) -> str:
    """Register a product of the partner whose page is open; return the path of its page."""
    walker.follow("Register a product")
    walker.send("Register", name=name, version="1.0")
    return walker.path


@pytest.fixture
def visitor(portal: str) -> Generator[Walker]:
    """Provide a visitor who is not logged in, on the first page."""
    made = Walker(portal)
    yield made
    made.close()


@pytest.fixture
def enter(portal: str) -> Generator[Enter]:
    """Provide visitors who are logged in."""
    walkers = list[Walker]()

    def _enter(user: str) -> Walker:
        made = Walker(portal)
        walkers.append(made)
        made.go("/log-in?return_to=/")
        made.log_in(user)
        return made

    yield _enter
    for each in walkers:
        each.close()
