"""A service with a low limit of open files: callers that hold connections do not lock others out."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import pytest
from tests.kit.service.live import PING, Live, live, settings_env
from tests.kit.service.running import copied

pytestmark = pytest.mark.needs("bash")
FEW_FILES: Final = ["bash", "-c", 'ulimit -n 256; exec "$@"', "bash"]
DRIP: Final = b"POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def few(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Generator[Live]:
    """Run a service that may open 256 files, with short deadlines."""
    url = copied(sqlite_template, tmp_path_factory.mktemp("few"))
    short = {"OPENERS_HEADER_TIMEOUT_S": "2", "OPENERS_BODY_TIMEOUT_S": "2"}
    with live({**settings_env(url, keys), **short}, FEW_FILES) as run:
        yield run


def connected(run: Live, opened: ExitStack, sent: bytes) -> socket.socket:
    """Open a connection that sends these bytes and nothing else."""
    held = opened.enter_context(socket.create_connection(("127.0.0.1", run.port), timeout=60))
    held.sendall(sent)
    return held


def rest(held: socket.socket) -> bytes:
    """Return the bytes that arrive until the service closes the connection."""
    parts: list[bytes] = []
    try:
        while part := held.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def ping(run: Live) -> int:
    """Return the status of one request on a new connection."""
    connection = HTTPConnection("127.0.0.1", run.port, timeout=60)
    try:
        connection.request("GET", PING)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n"], ids=["nothing", "half of the headers"])
def test_three_hundred_connections_lock_nobody_out(few: Live, sent: bytes) -> None:
    with ExitStack() as opened:
        held = [connected(few, opened, sent) for _ in range(300)]
        assert [ping(few) for _ in range(50)] == [200] * 50
        assert {rest(each)[:12] for each in held} <= {b"", b"HTTP/1.1 408"}
    assert "too many connections" in few.log()
    assert "Too many open files" not in few.log()


def test_forms_that_do_not_go_on_are_closed(few: Live) -> None:
    """While all connections are busy, the service rejects new ones. After the deadline it accepts connections again."""
    with ExitStack() as opened:
        held = [connected(few, opened, DRIP + b"Content-Length: 10\r\n\r\na=") for _ in range(300)]
        replies = [rest(each)[:12] for each in held]
        assert set(replies) <= {b"", b"HTTP/1.1 408", b"HTTP/1.1 503"}
        assert b"HTTP/1.1 408" in replies
    assert ping(few) == 200
