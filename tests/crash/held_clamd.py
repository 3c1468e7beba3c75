"""A server for clamd's protocol, in its own threads, that can delay its results."""

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
    """Reports every file as clean. While `held` is set, files that contain it wait for `go`."""

    def __init__(self) -> None:
        """Start with nothing held."""
        self.held: bytes | None = None
        self.reached, self.go, self.heard = Event(), Event(), Event()

    def hold(self, content: bytes) -> None:
        """Delay the result of each file that contains `content`."""
        self.held = content
        for event in (self.reached, self.go, self.heard):
            event.clear()

    def let_go(self) -> None:
        """Release all delayed results."""
        self.held = None
        self.go.set()

    def answer(self, connection: socket.socket, content: bytes) -> None:
        """Send the result when it is released; `heard` is set when the client has closed the connection."""
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
    """Run the server on a Unix socket."""
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
