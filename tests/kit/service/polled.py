"""A demo service in a thread of the test's process, whose PAS has been polled, so that its worlds know slots."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from openers.testing import TestedService
from openers_client.http import send


@contextmanager
def polled_service(folder: Path) -> Generator[TestedService]:
    """Run the service with its files in a folder."""
    service = TestedService(folder, "demo", folder=Path())
    send("POST", f"{service.base_url}/_test/clock/advance", '{"minutes": 2}', {"Content-Type": "application/json"})
    yield service
    service.stop()
