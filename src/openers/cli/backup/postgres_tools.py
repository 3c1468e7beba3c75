"""Dump and restore a PostgreSQL database by the programs of PostgreSQL, which must be installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_PACKAGED: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs of each release."""


def dump(database_url: str, target: Path) -> None:
    """Write a database as of one moment into a file of pg_dump's own format. Raises ValueError with its message."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.touch(0o600)
    _run("pg_dump", database_url, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def load(database_url: str, source: Path) -> None:
    """Load a dump into an empty database, all of it or nothing. Raises ValueError with the message of pg_restore."""
    _run("pg_restore", database_url, "--no-owner", "--no-privileges", "--single-transaction", str(source))


def _run(program: str, database_url: str, *words: str) -> None:
    # The password goes by the environment: other users can read a command line.
    password = urlsplit(database_url).password
    address = database_url.replace(f":{password}@", "@", 1) if password else database_url
    environ = {**os.environ, **({"PGPASSWORD": unquote(password)} if password else {})}
    command = [_path_of(program), f"--dbname={address}", *words]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)  # noqa: S603 -- a program of PostgreSQL, found above
    if done.returncode:
        raise ValueError(f"{program} failed: {done.stderr.strip()}")


def _path_of(program: str) -> str:
    packaged = sorted(_PACKAGED.glob(f"*/bin/{program}"), key=lambda path: int(path.parts[-3]))
    found = shutil.which(program) or (str(packaged[-1]) if packaged else None)
    if found is None:
        raise ValueError(f"{program} is not installed: install the client programs of PostgreSQL")
    return found
