"""Uploads that never come to their end, at a live service: nothing stays of them, and they are not waited for."""

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
"""How long the service lets an upload keep it waiting."""


@pytest.fixture
def service(sqlite_template: Path, tmp_path: Path) -> Generator[Live]:
    """One that waits as long as it takes."""
    with live(settings_in(tmp_path, copied(sqlite_template, tmp_path))) as running:
        yield running


@pytest.fixture
def impatient(sqlite_template: Path, tmp_path: Path) -> Generator[Live]:
    """One that soon gives up an upload. It may do so before a test has sent all it wants to."""
    settings = settings_in(tmp_path, copied(sqlite_template, tmp_path), OPENERS_BODY_TIMEOUT_S=SOON_S)
    with live(settings) as running:
        yield running


@pytest.mark.parametrize("path", [A020, A039])
def test_an_upload_that_is_cut_off_leaves_nothing(service: Live, tmp_path: Path, path: str) -> None:
    """The client goes away half way: it gets no answer, its draft goes, nothing was ever known of it."""
    desk = Desk(service)
    with uploading(service, desk, path, 4 * MIB) as connection:
        for _ in range(2 * MIB // len(PIECE)):
            connection.sendall(PIECE)
        until_drafts(tmp_path, 1)
    until_drafts(tmp_path, 0)
    check_nothing_left(tmp_path)
    desk.upload(MIB)


def test_an_upload_that_stops_is_refused_and_closed(impatient: Live, tmp_path: Path) -> None:
    """Nothing comes any more: 408, the connection is closed, and nothing stays."""
    desk = Desk(impatient)
    with uploading(impatient, desk, A020, 4 * MIB) as connection:
        connection.sendall(PIECE)
        assert_cut(everything(connection))
    check_nothing_left(tmp_path)


def test_an_upload_that_dribbles_is_refused_and_closed(impatient: Live, tmp_path: Path) -> None:
    """A byte now and then, each in time, does not hold the upload open."""
    desk = Desk(impatient)
    with uploading(impatient, desk, A020, 4 * MIB) as connection:
        connection.settimeout(0.1)
        ends, answer = monotonic() + HANGS_AFTER_S, b""
        while not answer:
            assert monotonic() < ends, "it is held open"
            with suppress(BrokenPipeError):  # the answer is there to be read all the same
                connection.sendall(b"x")
            with suppress(TimeoutError):
                answer = connection.recv(65536)
        connection.settimeout(HANGS_AFTER_S)
        assert_cut(answer + everything(connection))
    check_nothing_left(tmp_path)


@contextmanager
def uploading(service: Live, desk: Desk, path: str, size: int) -> Generator[socket.socket]:
    """A connection on which an upload of so many bytes has begun."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=HANGS_AFTER_S) as connection:
        named = {"Host": "localhost", **desk.headers(size)}
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        connection.sendall(f"POST {FHIR}{path} HTTP/1.1\r\n{head}\r\n".encode())
        yield connection


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    said = b""
    try:
        while more := connection.recv(65536):
            said += more
    except ConnectionResetError:
        pass
    return said


def assert_cut(answer: bytes) -> None:
    """The request took too long, and nothing more is taken on this connection."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 408 ")
    assert b"connection: close" in head


def drafts(directory: Path) -> list[Path]:
    """What is being written."""
    return list((directory / "openers.db.blobs" / "drafts").iterdir())


def until_drafts(directory: Path, count: int) -> None:
    """Return as soon as there are so many drafts."""
    until(lambda: len(drafts(directory)) == count, f"not {count} drafts")


def check_nothing_left(directory: Path) -> None:
    """No draft, no content, no record."""
    assert [path for path in (directory / "openers.db.blobs").rglob("*") if path.is_file()] == []
    rows = asyncio.run(fetch(f"sqlite:///{directory / 'openers.db'}", "SELECT * FROM files"))
    assert rows == []
