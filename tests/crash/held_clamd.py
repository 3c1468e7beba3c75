"""A peer that speaks clamd's protocol, in threads of its own, and holds its answers back until it is told."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from threading import Event, Thread
from typing import Final

from tests.kit.run.waiting import HANGS_AFTER_S

COMMAND: Final = b"zINSTREAM\0"


class HeldClamd:
    """Says that everything is clean. While it is `held`, files of whose content `held` is part wait for `go`."""

    def __init__(self) -> None:
        """Nothing is held."""
        self.held: bytes | None = None
        self.reached, self.go, self.heard = Event(), Event(), Event()

    def hold(self, content: bytes) -> None:
        """Hold back what is said of files with this in it."""
        self.held = content
        for event in (self.reached, self.go, self.heard):
            event.clear()

    def let_go(self) -> None:
        """Hold nothing back any more."""
        self.held = None
        self.go.set()

    def answer(self, connection: socket.socket, content: bytes) -> None:
        """Say what is said, when it is time; `heard` is set when the other side has closed."""
        is_held = self.held is not None and self.held in content
        if is_held:
            self.reached.set()
            self.go.wait(HANGS_AFTER_S)
        connection.sendall(b"stream: OK\0")
        if is_held:
            connection.recv(1)
            self.heard.set()


@contextmanager
def held_clamd(path: Path) -> Generator[HeldClamd]:
    """A running one on a Unix socket."""
    clamd = HeldClamd()

    class Meeting(StreamRequestHandler):
        def handle(self) -> None:
            assert self.rfile.read(len(COMMAND)) == COMMAND
            content = b""
            while length := int.from_bytes(self.rfile.read(4), "big"):
                content += self.rfile.read(length)
            try:
                clamd.answer(self.connection, content)
            except OSError:
                return

    with ThreadingUnixStreamServer(str(path), Meeting) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield clamd
        finally:
            clamd.let_go()
            server.shutdown()
