"""A pytest plugin for runs in a copy of the project: refuses to test any source but the copy's."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop unless `openers` comes from the project that pytest was started in."""
    import openers

    found, root = Path(openers.__file__ or "").resolve(), session.config.rootpath.resolve()
    if not found.is_relative_to(root / "src"):
        raise pytest.UsageError(f"openers comes from {found}, not from {root}")
