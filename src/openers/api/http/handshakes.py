"""Begin TLS on the connections of the TLS listener, within the limit of all connections of the process.

uvicorn accepts both listeners as plain ones. `openers.api.http.connections` passes a connection of the TLS port to
`begin`, which takes over its socket and runs the handshake. So a handshake counts as a connection, and can make room.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Final

import structlog

from openers.tls.alerts import ON_FAILURE, reason_of
from openers.tls.files import TlsFileError, TlsFiles, Watched

SHAKEN_WITHIN_S: Final = 10.0
"""Time in seconds that a handshake may take."""
CLOSED_WITHIN_S: Final = 5.0
"""Time in seconds for the caller to confirm the end of a connection."""
ALERTED_WITHIN_S: Final = 1.0
"""Time in seconds for the caller to read the alert of a failed handshake."""
NOTE_EVERY_S: Final = 1.0
"""Minimum pause in seconds between two log lines about failed handshakes."""
_log = structlog.get_logger()


class Notes:
    """Logs failed handshakes: at most one line in each `NOTE_EVERY_S`, with the number of the others."""

    def __init__(self) -> None:
        """Start without failures."""
        self._next_s = float("-inf")
        self._others = 0

    def failed(self, caller: str, error: ssl.SSLError) -> None:
        """Log why the handshake of a caller has failed, or count it."""
        if monotonic() < self._next_s:
            self._others += 1
            return
        self._next_s = monotonic() + NOTE_EVERY_S
        _log.info("TLS handshake failed", caller=caller, reason=reason_of(error), others_before=self._others)
        self._others = 0


class TlsListener:
    """The TLS listener of a process: its port and its context. Can be sent to other processes before its first use."""

    def __init__(self, port: int, files: TlsFiles) -> None:
        """Store the port; the files are read at first use."""
        self._port = port
        self.notes = Notes()
        self._context = Watched(files, files.context)

    def context(self) -> ssl.SSLContext:
        """Return the context of a new connection. Raises TlsFileError."""
        return self._context.now()

    def has(self, transport: asyncio.Transport) -> bool:
        """Return whether a connection has come in at the TLS port and is still plain."""
        at = transport.get_extra_info("sockname")
        return bool(at) and at[1] == self._port and transport.get_extra_info("ssl_object") is None


class Handshake:
    """One handshake under way."""

    def __init__(self, transport: asyncio.Transport, protocol: asyncio.Protocol, listener: TlsListener) -> None:
        """Take over the socket of a plain connection; `protocol` gets the TLS connection."""
        self._protocol, self._listener = protocol, listener
        self._from = transport.get_extra_info("peername")
        self._socket = _taken_from(transport)
        self._task: asyncio.Task[None] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop, within_s: float, ended: Callable[[], object]) -> None:
        """Start the handshake, which may take `within_s` seconds; call `ended` at its end."""
        self._task = loop.create_task(self._run(loop, min(within_s, SHAKEN_WITHIN_S)))
        self._task.add_done_callback(lambda _: ended())

    def end(self) -> None:
        """Give up the handshake, to make room."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    async def _run(self, loop: asyncio.AbstractEventLoop, within_s: float) -> None:
        ON_FAILURE.set(partial(self._failed, loop))
        try:
            await loop.connect_accepted_socket(
                lambda: self._protocol,
                self._socket,
                ssl=self._listener.context(),
                ssl_handshake_timeout=within_s,
                ssl_shutdown_timeout=CLOSED_WITHIN_S,
            )
        except TlsFileError as error:
            self._socket.close()
            _log.error("TLS connections cannot be served", reason=str(error))
        except OSError:  # refused, or the caller has gone or is late
            self._socket.close()

    def _failed(self, loop: asyncio.AbstractEventLoop, error: ssl.SSLError) -> None:
        """Log the failure; end the connection after the caller has had time to read the alert."""
        self._listener.notes.failed(str(self._from[0]) if self._from else "", error)
        loop.call_later(ALERTED_WITHIN_S, self.end)


def _taken_from(transport: asyncio.Transport) -> socket.socket:
    """Return a connection's socket; its transport ends without closing the connection."""
    taken = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
    taken.setblocking(False)
    transport.set_protocol(asyncio.Protocol())
    transport.abort()
    return taken
