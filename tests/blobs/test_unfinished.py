"""Uploads that never finish leave no data at a running service, and the service does not wait for them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Final

import pytest

from tests.kit.files.clients import A020, A039, FHIR, MIB, PIECE, Desk
from tests.kit.run.command import settings_in
from tests.kit.run.waiting import HANGS_AFTER_S, until
from tests.kit.service.live import Live, live
from tests.kit.service.running import copied
from tests.kit.store.outside import fetch

SOON_S: Final = "0.5"
"""The timeout of an upload in the impatient service, in seconds."""


@pytest.fixture
def service(sqlite_template: Path, tmp_path: Path) -> Generator[Live]:
    """Run a service with the default timeout."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as running:
        yield running


@pytest.fixture
def impatient(sqlite_template: Path, tmp_path: Path) -> Generator[Live]:
    """Run a service with a short upload timeout. The timeout may end before a test has sent all its data."""
    settings = settings_in(tmp_path, copied(sqlite_template, tmp_path), OPENERS_BODY_TIMEOUT_S=SOON_S)
    with live(settings) as running:
        yield running


@pytest.mark.parametrize("path", [A020, A039])
def test_an_upload_that_is_cut_off_leaves_nothing(service: Live, tmp_path: Path, path: str) -> None:
    """The client disconnects half way. Its draft is removed, and no record is stored."""
    desk = Desk(service)
    with uploading(service, desk, path, 4 * MIB) as connection:
        for _ in range(2 * MIB // len(PIECE)):
            connection.sendall(PIECE)
        until_drafts(tmp_path, 1)
    until_drafts(tmp_path, 0)
    check_nothing_left(tmp_path)
    desk.upload(MIB)


def test_an_upload_that_stops_is_refused_and_closed(impatient: Live, tmp_path: Path) -> None:
    """If no more data arrives, the service returns 408, closes the connection and keeps nothing."""
    desk = Desk(impatient)
    with uploading(impatient, desk, A020, 4 * MIB) as connection:
        connection.sendall(PIECE)
        assert_cut(everything(connection))
    check_nothing_left(tmp_path)


def test_an_upload_that_dribbles_is_refused_and_closed(impatient: Live, tmp_path: Path) -> None:
    """Single bytes that arrive in time do not extend the timeout."""
    desk = Desk(impatient)
    with uploading(impatient, desk, A020, 4 * MIB) as connection:
        connection.settimeout(0.1)
        ends, answer = monotonic() + HANGS_AFTER_S, b""
        while not answer:
            assert monotonic() < ends, "it is held open"
            with suppress(BrokenPipeError):  # the reply can still be read
                connection.sendall(b"x")
            with suppress(TimeoutError):
                answer = connection.recv(65536)
        connection.settimeout(HANGS_AFTER_S)
        assert_cut(answer + everything(connection))
    check_nothing_left(tmp_path)


@contextmanager
def uploading(service: Live, desk: Desk, path: str, size: int) -> Generator[socket.socket]:
    """Open a connection and start an upload of `size` bytes."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=HANGS_AFTER_S) as connection:
        named = {"Host": "localhost", **desk.headers(size)}
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        connection.sendall(f"POST {FHIR}{path} HTTP/1.1\r\n{head}\r\n".encode())
        yield connection


def everything(connection: socket.socket) -> bytes:
    """Return the bytes that arrive until the service closes the connection."""
    said = b""
    try:
        while more := connection.recv(65536):
            said += more
    except ConnectionResetError:
        pass
    return said


def assert_cut(answer: bytes) -> None:
    """Check that the reply is 408 and closes the connection."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 408 ")
    assert b"connection: close" in head


def drafts(directory: Path) -> list[Path]:
    """Return the current drafts."""
    return list((directory / "openers.db.blobs" / "drafts").iterdir())


def until_drafts(directory: Path, count: int) -> None:
    """Wait until there are `count` drafts."""
    until(lambda: len(drafts(directory)) == count, f"not {count} drafts")


def check_nothing_left(directory: Path) -> None:
    """Check that no draft, content or record remains."""
    assert [path for path in (directory / "openers.db.blobs").rglob("*") if path.is_file()] == []
    rows = asyncio.run(fetch(f"sqlite:///{directory / 'openers.db'}", "SELECT * FROM files"))
    assert rows == []
