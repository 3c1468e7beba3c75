"""Fixtures for PAS tests: running systems and connectors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from openers.pas.connector import PasConnector
from tests.kit.pas.small_pas import ISSUER
from tests.pas.systems import KINDS, Pas, Small, connector, system


@pytest.fixture(params=KINDS)
def pas(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Pas]:
    """Run a system; each test runs with each kind."""
    with system(request.param, tmp_path) as running:
        yield running


@pytest.fixture
def small(tmp_path: Path) -> Generator[Small]:
    """Run the small system, which can fail in more ways."""
    with system("small", tmp_path) as running:
        assert isinstance(running, Small)
        yield running


@pytest.fixture
async def calls(pas: Pas) -> AsyncGenerator[PasConnector]:
    """Provide a connector that calls `pas`."""
    made = connector(pas.issuer)
    yield made
    await made.close()


@pytest.fixture
async def small_calls() -> AsyncGenerator[PasConnector]:
    """Provide a connector that calls small systems."""
    made = connector(ISSUER)
    yield made
    await made.close()
