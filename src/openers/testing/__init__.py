"""pytest plugin: a service in this process, and for each test its own world with its own clock.

pytest loads it wherever OpenERS is installed; tests use the fixture `openers_world`. The service uses HTTP, so any
client works. It begins with the pack in the option `openers_pack`, and simulates its PAS. The report of a failing
test shows the calls in its world, and why the service rejected any.

Runs without its fixtures do not import the service.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest

from openers.testing.report import calls_of
from openers.testing.service import TestedService
from openers.testing.world import ClockOfTest, ControlRefused, Role, WorldOfTest

__all__ = ["ClockOfTest", "ControlRefused", "Role", "TestedService", "WorldOfTest"]

WORLD: Final = pytest.StashKey[WorldOfTest]()
"""The world of a test, while it exists."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    told = "the initial pack of each world of openers.testing: a name or a path"
    parser.addini("openers_pack", told, default="demo")
    parser.addoption("--openers-pack", help=f"{told}; replaces the ini option openers_pack")


@pytest.fixture(scope="session")
def openers_pack(pytestconfig: pytest.Config) -> str:
    """Provide the pack of each world: a name, or a path from the project's folder. Override it to choose another."""
    return str(pytestconfig.getoption("--openers-pack") or pytestconfig.getini("openers_pack"))


@pytest.fixture(scope="session")
def openers_service(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, openers_pack: str
) -> Generator[TestedService]:
    """Provide a service in this process for the whole run."""
    service = TestedService(tmp_path_factory.mktemp("openers"), openers_pack, folder=pytestconfig.rootpath)
    yield service
    service.stop()


@pytest.fixture
def openers_world(openers_service: TestedService, request: pytest.FixtureRequest) -> Generator[WorldOfTest]:
    """Provide a world for one test, with all data of its pack."""
    world = WorldOfTest(openers_service, f"test-{id(request.node):x}")
    request.node.stash[WORLD] = world
    yield world
    del request.node.stash[WORLD]
    world.drop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the calls in the test's world to the report of a failure."""
    report = yield
    world = item.stash.get(WORLD, None)
    if report.failed and world is not None:
        report.sections.append((f"OpenERS calls of {world.name}", calls_of(world)))
    return report
