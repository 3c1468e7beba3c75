"""Fixtures of the conformance suite: a service in the demo world, and one in the same world with other names."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.conformance.published_world import SHARE, contradictions
from tests.conformance.worlds import Template, World
from tests.kit.documents.reference import DIRECTORY, NOT_SET
from tests.kit.service.running import Running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the suite if the published examples are not available."""
    here = Path(__file__).parent
    for item in items:
        if not DIRECTORY and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=NOT_SET), append=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report the share of published examples that the world `published` reproduces exactly.

    List why it cannot reproduce the others.
    """
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
    """Load the demo world, then the renamed world."""
    return Template.load(request.param, tmp_path_factory.mktemp("world"), keys)


@pytest.fixture
def world(template: Template) -> World:
    """Return the world that the service runs."""
    return template.world


@pytest.fixture
async def served(template: Template, tmp_path: Path) -> AsyncGenerator[Running]:
    """Run a service in that world."""
    async with template.serve(tmp_path) as run:
        yield run
