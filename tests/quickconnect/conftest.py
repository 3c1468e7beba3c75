"""A service and Quick Connect over HTTP for all tests of it, and a walker for each."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
import uvicorn

from openers.testing import TestedService
from openers_quickconnect.app import application
from openers_quickconnect.settings import Settings
from tests.kit.run.project import ROOT
from tests.kit.run.waiting import until
from tests.kit.service.polled import polled_service
from tests.kit.web.walker import Walker

KEY = ROOT / "src/openers/worlds/packs/keys/quickconnect.json"


@pytest.fixture(scope="session")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestedService]:
    """Provide a service in a thread of this process. Its PAS has been polled, so it knows slots."""
    with polled_service(tmp_path_factory.mktemp("quickconnect")) as service:
        yield service


@contextmanager
def running(service: str, state: Path, key: Path = KEY, *, test_mode: bool = True) -> Generator[str]:
    """Run Quick Connect on a free port, with a service; lend its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = application(Settings(service=service, base_url=base_url, state=state, key=key, test_mode=test_mode))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    thread = Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until(lambda: server.started, "Quick Connect does not start")
    yield base_url
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def quick_connect(tested: TestedService, tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Provide the address of Quick Connect, which uses the service."""
    with running(tested.base_url, tmp_path_factory.mktemp("state")) as address:
        yield address


@pytest.fixture
def walker(quick_connect: str) -> Generator[Callable[[str], Walker]]:
    """Provide walkers who are logged in; each begins at the choice of a role, or at its only one."""
    walkers = list[Walker]()

    def _enter(user: str) -> Walker:
        made = Walker(quick_connect)
        walkers.append(made)
        made.log_in(user)
        return made

    yield _enter
    for each in walkers:
        each.close()
