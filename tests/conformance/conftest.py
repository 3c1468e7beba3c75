"""What the conformance suite has: a service in the demo world, and one in the same world under other names."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.conformance.published_world import SHARE, contradictions
from tests.conformance.worlds import Template, World
from tests.kit.documents.reference import DIRECTORY, NOT_SET
from tests.kit.service.running import Running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the suite where there is nothing to compare with."""
    here = Path(__file__).parent
    for item in items:
        if not DIRECTORY and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=NOT_SET), append=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many published examples come out of the world `published` whole, and what prevents the others."""
    told = [dict(each.user_properties).get(SHARE) for each in terminalreporter.getreports("passed")]
    compared = [each for each in told if each is not None]
    if not compared:
        return
    out = sum(map(bool, compared))
    terminalreporter.section("published examples that come out whole")
    terminalreporter.write_line(f"{out} of {len(compared)} ({out / len(compared):.1%}); the others contradict:")
    for each in contradictions():
        terminalreporter.write_line(f"  {each.examples}: {each.reason}")


@pytest.fixture(scope="session", params=["demo", "renamed"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Template:
    """A loaded world, of each of the two."""
    return Template.load(request.param, tmp_path_factory.mktemp("world"), keys)


@pytest.fixture
def world(template: Template) -> World:
    """Which world the service has."""
    return template.world


@pytest.fixture
async def served(template: Template, tmp_path: Path) -> AsyncGenerator[Running]:
    """A service in that world."""
    async with template.serve(tmp_path) as run:
        yield run
