"""One service, and the installed tools, for all tests of this folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from openers.testing import TestedService
from tests.generated.prepared import Headers, prepared
from tests.generated.tools import NotInstalled, Tools, install


@pytest.fixture(scope="session")
def installed() -> None:
    """Install the tools, or skip the test: a run that requires all programs fails instead."""
    try:
        install()
    except NotInstalled as error:
        if os.environ.get("OPENERS_REQUIRE") == "all":
            pytest.fail(f"the tools of tests/generated could not be installed:\n{error}", pytrace=False)
        pytest.skip("the tools of tests/generated could not be installed")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[TestedService]:
    """A service with the demo world."""
    service = TestedService(tmp_path_factory.mktemp("service"), "demo")
    yield service
    service.stop()


@pytest.fixture(scope="session")
def worlds(served: TestedService) -> dict[str, Headers]:
    """For each operation, by its operationId, the headers of a world in which its example succeeds."""
    return asyncio.run(prepared(served.base_url))


@pytest.fixture
def tools(installed: None, served: TestedService, tmp_path: Path) -> Tools:
    """The tools, in a folder with the document of the service."""
    reply = httpx.get(f"{served.base_url}/referrals/openapi.json")
    (tmp_path / "ers.json").write_bytes(reply.content)
    return Tools(tmp_path)
