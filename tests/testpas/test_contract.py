"""The Test PAS fulfils the contract, in this process and over real HTTP."""

from __future__ import annotations

import pytest

from tests.testpas.contract import PasContract
from tests.testpas.hospital import Hospital
from tests.testpas.subject import Subject


class TestInProcess(PasContract):
    @pytest.fixture
    def subject(self, hospital: Hospital) -> Subject:
        return hospital.subject


class TestOverHttp(PasContract):
    @pytest.fixture
    def subject(self, live_subject: Subject) -> Subject:
        return live_subject
