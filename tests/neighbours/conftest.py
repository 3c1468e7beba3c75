"""Fixtures: mock servers for all tests of a process, and services that ask them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping
from pathlib import Path

import pytest

from openers.identity.registered_keys import new_pair
from tests.kit.service.running import Running, running, settings_for
from tests.neighbours.mock import Mock, mock


@pytest.fixture(scope="session")
def pds_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the private key with which services ask PDS; `.public` is beside it."""
    path = tmp_path_factory.mktemp("pds") / "pds.jwk"
    private, public = new_pair()
    path.write_bytes(private)
    path.with_name("pds.jwk.public").write_bytes(public)
    return path


@pytest.fixture(scope="session")
def one_pds(pds_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Mock]:
    """Run a PDS for the tests of this process."""
    with mock(tmp_path_factory.mktemp("mocks"), "pds", "--public-key", f"{pds_key}.public") as served:
        yield served


@pytest.fixture
def pds(one_pds: Mock) -> Mock:
    """Return the PDS with the records of the demo world."""
    one_pds.reset()
    return one_pds


@pytest.fixture
def settings_of_pds(pds: Mock, pds_key: Path) -> dict[str, object]:
    """Return the settings of a service that asks PDS at each call."""
    return {
        "pds_url": f"{pds.url}/personal-demographics/FHIR/R4",
        "pds_token_url": f"{pds.url}/oauth2/token",
        "pds_client_id": "ers",
        "pds_key_file": pds_key,
        "pds_fresh_s": 0.0,
        "pds_per_second": 1000.0,
        "pds_timeout_s": 300.0,
    }


@pytest.fixture
async def asking(demo_url: str, keys: Path, settings_of_pds: Mapping[str, object]) -> AsyncGenerator[Running]:
    """Run a service that asks PDS, once for each kind of database."""
    async with running(settings_for(demo_url, keys, **settings_of_pds)) as run:
        yield run
        mirroring = run.service.world.mirroring
        assert mirroring is not None
        await mirroring.source.close()


@pytest.fixture
async def asking_on_sqlite(
    sqlite_url: str, keys: Path, settings_of_pds: Mapping[str, object]
) -> AsyncGenerator[Running]:
    """Run a service on SQLite that asks PDS."""
    async with running(settings_for(sqlite_url, keys, **settings_of_pds)) as run:
        yield run
        mirroring = run.service.world.mirroring
        assert mirroring is not None
        await mirroring.source.close()


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the URL of a SQLite database with the demo world."""
    from tests.kit.service.running import copied

    return copied(sqlite_template, tmp_path)
