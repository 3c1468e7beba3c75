"""A running service for the clients whose calls are judged, and a world for each test."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from openers.testing import TestedService, WorldOfTest
from openers_client.http import send


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestedService]:
    """Provide a service in a thread of this process. Its PAS has been polled, so its worlds know slots."""
    service = TestedService(tmp_path_factory.mktemp("assurance"), "demo", folder=Path())
    send("POST", f"{service.base_url}/_test/clock/advance", '{"minutes": 2}', {"Content-Type": "application/json"})
    yield service
    service.stop()


@pytest.fixture
def world(tested: TestedService, request: pytest.FixtureRequest) -> Generator[WorldOfTest]:
    """Provide a world for one test."""
    made = WorldOfTest(tested, f"assured-{id(request.node):x}")
    yield made
    made.drop()
