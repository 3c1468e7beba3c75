"""Authorities that the tests of TLS share."""

from __future__ import annotations

import pytest

from openers.tls.files import TlsFiles
from tests.kit.service.certificates import Certificates, Pair


@pytest.fixture(scope="session")
def dev1(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return the authorities that the service trusts."""
    return Certificates(tmp_path_factory.mktemp("dev1"), "DEV1")


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return authorities of the same name that the service does not trust."""
    return Certificates(tmp_path_factory.mktemp("foreign"), "DEV1")


@pytest.fixture(scope="session")
def server(dev1: Certificates) -> Pair:
    """Return the certificate of the service."""
    return dev1.issue("localhost", 30, "127.0.0.1")


@pytest.fixture(scope="session")
def client(dev1: Certificates) -> Pair:
    """Return the certificate of a caller."""
    return dev1.issue("ers.surgery.example")


@pytest.fixture
def files(dev1: Certificates, server: Pair) -> TlsFiles:
    """Return the files of the listener."""
    return TlsFiles(*server, authorities=[dev1.files.trust], revocations=[dev1.files.revocations])
