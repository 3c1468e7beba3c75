"""Logging after a test is as it was before it.

Commands that run inside the test process send the log to the standard error of that test, which is closed when the
test has ended: whatever logged afterwards would fail.
"""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest
import structlog


@pytest.fixture(autouse=True)
def kept_logging() -> Generator[None]:
    """Put back what a test changed."""
    root = logging.getLogger()
    handlers, level, configuration = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)
