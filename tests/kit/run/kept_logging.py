"""Restore the logging configuration after each test.

Commands that run inside the test process send the log to the standard error of that test. It is closed when the test
ends, so that later log calls would fail.
"""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest
import structlog


@pytest.fixture(autouse=True)
def kept_logging() -> Generator[None]:
    """Restore the log handlers, level and configuration after the test."""
    root = logging.getLogger()
    handlers, level, configuration = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)
