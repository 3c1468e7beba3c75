"""Run `openers` in a separate process, without the settings of this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.kit.run.forked import run
from tests.kit.run.waiting import HANGS_AFTER_S

PROGRAM: Final = Path(sys.executable).with_name("openers")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: `settings` and no other `OPENERS_*` variable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENERS_")}
    return {**kept, **settings}


def settings_in(directory: Path, url: str | None = None, **more: str) -> dict[str, str]:
    """Return the settings of a service whose files are in `directory`."""
    return {
        "OPENERS_DATABASE_URL": url or f"sqlite:///{directory / 'openers.db'}",
        "OPENERS_AUDIT_KEY_FILE": str(directory / "audit.key"),
        "OPENERS_SIGNING_KEY_FILE": str(directory / "sign.pem"),
        **more,
    }


def openers(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `openers` with these arguments and settings in a fork, which starts at once; return its result."""
    with TemporaryDirectory() as folder:
        status, out, err = run(words, environment(settings), Path(folder), HANGS_AFTER_S)
    return subprocess.CompletedProcess([str(PROGRAM), *words], status, out, err)
