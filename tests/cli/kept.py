"""A store with everything in one folder but its database, and the environment of commands on it."""

from __future__ import annotations

import os
from pathlib import Path

from openers.settings import Settings
from tests.kit.service.running import settings_for
from tests.kit.store.nodes import programs


def environ_of(settings: Settings) -> dict[str, str]:
    """Return the environment of commands on a store, with the programs of the tests' PostgreSQL."""
    names = ("database_url", "blob_url", "ca_directory", "audit_key_file", "signing_key_file", "files_key_file")
    given = {f"OPENERS_{name.upper()}": str(getattr(settings, name)) for name in (*names, "access_code_key_file")}
    return {**given, "PATH": f"{programs()}:{os.environ['PATH']}"}


def settings_in(url: str, folder: Path) -> Settings:
    """Return the settings of a store with everything in one folder but its database."""
    return settings_for(url, folder, blob_url=f"file:{folder / 'contents'}", ca_directory=folder / "ca")
