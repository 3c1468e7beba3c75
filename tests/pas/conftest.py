"""Running systems and connectors for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from openers.pas.connector import PasConnector
from tests.kit.pas.small_pas import ISSUER
from tests.pas.systems import KINDS, Pas, Small, connector, system


@pytest.fixture(params=KINDS)
def pas(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Pas]:
    """A running system: one test on each kind."""
    with system(request.param, tmp_path) as running:
        yield running


@pytest.fixture
def small(tmp_path: Path) -> Generator[Small]:
    """The small system, which can misbehave in more ways."""
    with system("small", tmp_path) as running:
        assert isinstance(running, Small)
        yield running


@pytest.fixture
async def calls(pas: Pas) -> AsyncGenerator[PasConnector]:
    """A connector that calls `pas`."""
    made = connector(pas.issuer)
    yield made
    await made.close()


@pytest.fixture
async def small_calls() -> AsyncGenerator[PasConnector]:
    """A connector that calls small systems."""
    made = connector(ISSUER)
    yield made
    await made.close()
