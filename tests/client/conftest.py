"""A service over HTTP for all tests of the client, and a world with callers for each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import pytest

from openers.testing import TestedService, WorldOfTest
from openers_client import RetryPolicy
from tests.client.people import Cast, cast_of
from tests.kit.service.polled import polled_service


@pytest.fixture(scope="session")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestedService]:
    """Provide a service in a thread of this process. Its PAS has been polled, so its worlds know slots."""
    with polled_service(tmp_path_factory.mktemp("client")) as service:
        yield service


@pytest.fixture
def world(tested: TestedService, request: pytest.FixtureRequest) -> Generator[WorldOfTest]:
    """Provide a world for one test."""
    made = WorldOfTest(tested, f"client-{id(request.node):x}")
    yield made
    made.drop()


class Waits:
    """Records the waits of a client instead of waiting. `then` runs at each of them."""

    def __init__(self) -> None:
        self.seconds = list[float]()
        self.then: Callable[[float], Awaitable[None]] | None = None

    async def __call__(self, seconds: float) -> None:
        """Record a wait."""
        self.seconds.append(seconds)
        if self.then is not None:
            await self.then(seconds)


@pytest.fixture
def waits() -> Waits:
    """Provide the record of waits."""
    return Waits()


@pytest.fixture
async def people(world: WorldOfTest, waits: Waits) -> AsyncGenerator[Cast]:
    """Provide logged-in callers of the world, whose client never really waits."""
    async with cast_of(world, RetryPolicy(sleep=waits)) as made:
        yield made
