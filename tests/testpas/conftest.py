"""Fixtures: the service, and a Test PAS in this process or in a separate one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.testpas.hospital import Hospital, Process, as_process, in_process, options_for, subject_at
from tests.testpas.referral_service import ReferralService, serving
from tests.testpas.subject import Subject


@pytest.fixture(scope="package")
def shared_service() -> Generator[ReferralService]:
    """Run a service for tests that send it nothing."""
    with serving() as service:
        yield service


@pytest.fixture
def service() -> Generator[ReferralService]:
    """Run a service for one test."""
    with serving() as service:
        yield service


@pytest.fixture
async def hospital(shared_service: ReferralService, tmp_path: Path) -> AsyncGenerator[Hospital]:
    """Run a Test PAS in this process; no test reads its notifications."""
    async with in_process(options_for(shared_service, tmp_path, client_key=None), shared_service) as hospital:
        yield hospital


@pytest.fixture(scope="package")
def process(shared_service: ReferralService, tmp_path_factory: pytest.TempPathFactory) -> Generator[Process]:
    """Run a Test PAS in a separate process, shared by tests that do not end it."""
    directory = tmp_path_factory.mktemp("testpas")
    with as_process(options_for(shared_service, directory), directory) as process:
        yield process


@pytest.fixture
async def live_subject(process: Process, shared_service: ReferralService) -> AsyncGenerator[Subject]:
    """Provide the separate process as the service sees it."""
    async with subject_at(process, shared_service) as subject:
        yield subject
