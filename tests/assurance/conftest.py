"""A running service for the clients whose calls are judged, and a world for each test."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from openers.testing import TestedService, WorldOfTest
from tests.kit.service.polled import polled_service


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestedService]:
    """Provide a service in a thread of this process. Its PAS has been polled, so its worlds know slots."""
    with polled_service(tmp_path_factory.mktemp("assurance")) as service:
        yield service


@pytest.fixture
def world(tested: TestedService, request: pytest.FixtureRequest) -> Generator[WorldOfTest]:
    """Provide a world for one test."""
    made = WorldOfTest(tested, f"assured-{id(request.node):x}")
    yield made
    made.drop()
