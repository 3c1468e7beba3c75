"""A pytest plugin for runs in a copy of the project: it refuses to test any source but the copy's."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop unless `openers` is imported from the project in which pytest was started."""
    import openers

    found, root = Path(openers.__file__ or "").resolve(), session.config.rootpath.resolve()
    if not found.is_relative_to(root / "src"):
        raise pytest.UsageError(f"openers comes from {found}, not from {root}")
