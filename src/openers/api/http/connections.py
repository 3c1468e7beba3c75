"""Limit each HTTP connection: how long a caller may take, how much it may send, and how many connections exist.

`openers.server` passes `BoundedProtocol` to uvicorn; test mode extends it in `openers.worlds.recording.connection`.
`openers.api.http.request` limits request bodies.
"""

from __future__ import annotations

import asyncio
import resource
from functools import partial
from http import HTTPStatus
from ssl import SSLObject
from time import monotonic
from typing import Any, Final

import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from openers.api.http.bounds import LONGEST_HEADERS, LONGEST_TARGET
from openers.api.http.handshakes import Handshake, TlsListener
from openers.api.http.peers import Peers, TlsPeer, peer_of
from openers.api.http.upgrades import UpgradeFilter
from openers.settings import Settings
from openers.tls.files import TlsFiles

OWN_FILES: Final = 64
"""Open files that the service itself needs: database, log, listeners, modules being imported."""
FILES_EACH: Final = 2
"""Open files of one connection: its socket, and a file that is being sent or a call to a PAS."""
MOST_CONNECTIONS: Final = 10_000
"""Maximum connections of one process, even if the process may open more files."""
SLOWEST_READING_BYTES_PER_S: Final = 1024
"""Minimum speed in bytes a second at which a caller must read a reply that exceeds the socket buffer."""
LINGER_S: Final = 5.0
"""Time in seconds during which a refused caller may go on sending, so that it can read the refusal."""
NOTE_EVERY_S: Final = 10.0
"""Minimum pause in seconds between two log lines about too many connections."""
_log = structlog.get_logger()


class TooLong(Exception):
    """The headers of a request are too long. Raised within the parser to stop it."""


class Connections:
    """All connections of a process, of both listeners, which share one limit.

    Idle connections are kept in the order in which they began to wait. A new connection replaces the oldest idle one:
    first TLS handshakes, then connections that never sent a request, then those that did.
    """

    def __init__(
        self, most: int, header_within_s: float, tls: TlsListener | None = None, peers: Peers | None = None
    ) -> None:
        """Allow `most` connections. Headers must arrive within `header_within_s` seconds.

        `tls` is the second listener, `peers` finds out who the callers are.
        """
        self.most, self.header_within_s = most, header_within_s
        self.tls, self.peers = tls, peers or Peers()
        self.handshakes: dict[BoundedProtocol, Handshake] = {}
        self.silent: dict[BoundedProtocol, None] = {}
        self.idle: dict[BoundedProtocol, None] = {}
        self._closed = self._refused = 0
        self._noted_s = float("-inf")

    def forget(self, connection: BoundedProtocol) -> None:
        """Remove a connection that no longer waits for a request."""
        self.silent.pop(connection, None)
        self.idle.pop(connection, None)

    def has_room(self, others: int) -> bool:
        """Return whether there may be one more connection beside `others`; close one that waits if that makes room."""
        return others + len(self.handshakes) < self.most or self._make_room()

    def _make_room(self) -> bool:
        """Close the connection that has waited longest for a request; return whether there was one."""
        oldest = next(iter(self.handshakes or self.silent or self.idle), None)
        if oldest is None:
            self._refused += 1
        else:
            self._closed += 1
            self.forget(oldest)
            oldest.give_way(self.handshakes.pop(oldest, None))
        self._note()
        return oldest is not None

    def _note(self) -> None:
        now = monotonic()
        if now - self._noted_s < NOTE_EVERY_S:
            return
        self._noted_s = now
        _log.warning(
            "too many connections", most=self.most, closed_while_waiting=self._closed, refused_with_503=self._refused
        )
        self._closed = self._refused = 0


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with a deadline for headers and limits on their length and on connections."""

    def __init__(self, all_connections: Connections, config: Config, server_state: ServerState, **others: Any) -> None:
        """Store the connections of the process; the other arguments are uvicorn's."""
        super().__init__(config, server_state, **others)
        self._all = all_connections
        self._deadline: asyncio.TimerHandle | None = None
        self._reading_deadline: asyncio.TimerHandle | None = None
        self._pending = 0
        """Bytes given to the parser since its last progress."""
        self._in_body = self._is_refused = False
        self._header_bytes = 0
        self._refusal = HTTPStatus.BAD_REQUEST
        self._upgrades = UpgradeFilter()
        self._tls: TlsPeer | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows the type, too
        """Accept the connection; refuse it with 503 if there are too many and none is idle. TLS begins first."""
        self._all.handshakes.pop(self, None)
        has_room = self._all.has_room(len(self.connections))
        if self._all.tls is not None and self._all.tls.has(transport):
            self._begin_tls(transport, self._all.tls, has_room=has_room)
            return
        super().connection_made(transport)
        encryption: SSLObject | None = transport.get_extra_info("ssl_object")
        if encryption is not None:
            self._tls = peer_of(encryption)
        if not has_room:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, linger_s=0)
            return
        self._all.silent[self] = None
        self._arm()

    def _begin_tls(self, transport: asyncio.Transport, tls: TlsListener, *, has_room: bool) -> None:
        """Begin the handshake; a connection without room ends, since no reply can be read before the handshake."""
        if not has_room:
            transport.abort()
            return
        handshake = self._all.handshakes[self] = Handshake(transport, self, tls)
        handshake.begin(self.loop, self._all.header_within_s, lambda: self._all.handshakes.pop(self, None))

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers."""
        self._all.forget(self)
        self._disarm()
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received data; start the deadline if a request has begun and its headers are incomplete."""
        if self._is_refused:
            return
        self._pending += len(data)
        super().data_received(data if self._in_body else self._upgrades.filter(data))
        if self._is_refused or self.transport.is_closing():
            return
        if self._pending > LONGEST_HEADERS + LONGEST_TARGET:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self.send_400_response("")
        elif self._pending and not self._in_body and self._deadline is None:
            self._arm()

    def on_message_begin(self) -> None:
        """Start counting the headers of a request."""
        super().on_message_begin()
        self._header_bytes, self._pending = 0, max(self._pending, 1)

    def on_url(self, url: bytes) -> None:
        """Append a part of the request target. Raises TooLong."""
        super().on_url(url)
        if len(self.url) > LONGEST_TARGET:
            self._refusal = HTTPStatus.REQUEST_URI_TOO_LONG
            raise TooLong

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a header; count and drop a trailer. Raises TooLong."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > LONGEST_HEADERS:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise TooLong
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request cycle."""
        self._all.peers.describe(self.scope, self.headers, self._tls)  # pyright: ignore[reportArgumentType]  # of uvicorn
        super().on_headers_complete()
        self._disarm()
        self._all.forget(self)
        self._in_body, self._pending, self._header_bytes = True, 0, 0

    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the next bytes belong to another request."""
        self._in_body, self._pending = False, 0
        super().on_message_complete()
        if self.cycle.response_complete:
            # The reply was sent before the body arrived, whose bytes stopped the keep-alive timer: start it again.
            self._disarm()
            self._all.idle[self] = None
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        """Wait for the next request; set a deadline for the rest of a body, or for the caller to read the reply."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch_reading()
        elif self.cycle.response_complete and self._in_body:
            self._arm()
        elif self.cycle.response_complete:
            self._all.idle[self] = None

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for too long."""
        self.end()

    def end(self) -> None:
        """Close the connection after the caller has read its last reply, or after the caller stops reading."""
        self.transport.close()
        self._watch_reading()

    def give_way(self, handshake: Handshake | None) -> None:
        """Close the connection to make room: at once with TLS, whose orderly end waits for the caller."""
        if handshake is not None:
            handshake.end()
        elif self._tls is not None and not self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.end()

    def pause_writing(self) -> None:
        """Wait for the caller to read, with a deadline."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """Resume writing: the caller reads."""
        if not self.transport.is_closing():
            self._stop_watching()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse a malformed or too long request. Replaces uvicorn's method, which writes into replies under way."""
        if not self._answers():
            self._refuse(self._refusal)
        elif not self._in_body:
            self.cycle.keep_alive, self._is_refused = False, True
        elif self.pipeline or self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(self._refusal)
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _answers(self) -> bool:
        """Return whether a reply is under way. Before the first request uvicorn has no cycle."""
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]  # see above

    def _arm(self) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(self._all.header_within_s, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        """Handle the deadline for headers, or for the rest of a body that the handler does not read."""
        self._deadline = None
        if self._in_body:
            self.transport.abort()
        elif self.flow.read_paused:  # the service, not the caller, is slow
            self._arm()
        elif self._answers():
            self.cycle.keep_alive, self._is_refused = False, True
        elif self._pending:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.end()

    def _watch_reading(self) -> None:
        self._stop_watching()
        left = self.transport.get_write_buffer_size()
        self._reading_deadline = self.loop.call_later(self._all.header_within_s, self._look_at_reading, left)

    def _look_at_reading(self, before: int) -> None:
        """Continue if the caller has read enough of the reply since `before` bytes were unread; else abort."""
        if before - self.transport.get_write_buffer_size() < SLOWEST_READING_BYTES_PER_S * self._all.header_within_s:
            self.transport.abort()
        else:
            self._watch_reading()

    def _stop_watching(self) -> None:
        if self._reading_deadline is not None:
            self._reading_deadline.cancel()
            self._reading_deadline = None

    def _refuse(self, status: HTTPStatus, linger_s: float = LINGER_S) -> None:
        """Send the refusal and close; discard incoming data for `linger_s` seconds so that the caller can read it."""
        self._is_refused = True
        self._all.forget(self)
        self._disarm()
        self._unset_keepalive_if_required()
        text = f"{_TEXTS[status]}\n".encode()
        lines = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "content-type: text/plain; charset=utf-8",
            f"content-length: {len(text)}",
            "connection: close",
            *(["retry-after: 1"] if status is HTTPStatus.SERVICE_UNAVAILABLE else []),
        ]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + text)
        if not linger_s or not self.transport.can_write_eof():
            self.end()
            return
        self.transport.write_eof()
        self._deadline = self.loop.call_later(linger_s, self.transport.abort)


_TEXTS: Final = {
    HTTPStatus.BAD_REQUEST: "Invalid HTTP request received.",
    HTTPStatus.REQUEST_TIMEOUT: "The headers did not arrive in time.",
    HTTPStatus.REQUEST_URI_TOO_LONG: f"The address must not be longer than {LONGEST_TARGET} bytes.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"The headers must not be longer than {LONGEST_HEADERS} bytes.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Too many connections. Try again.",
}


def connections_of(settings: Settings) -> Connections:
    """Return the limits from the settings and the operating system, and the TLS listener if there is one."""
    files = files_of(settings)
    tls = None if settings.tls_port is None else TlsListener(settings.tls_port, files)
    peers = Peers(settings.trusted_proxies, files)
    return Connections(most_connections(settings.max_connections), settings.header_timeout_s, tls, peers)


def files_of(settings: Settings) -> TlsFiles:
    """Return the TLS files that the settings name. In test mode the service explains dates that are over."""
    return TlsFiles(
        certificate=settings.tls_certificate,
        key=settings.tls_key,
        authorities=settings.tls_client_ca,
        revocations=settings.tls_client_crl,
        explains_dates=not settings.production,
    )


def most_connections(wanted: int | None) -> int:
    """Return the maximum number of connections: limited by open files and by `wanted`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else (soft - OWN_FILES) // FILES_EACH
    return max(1, min(possible, MOST_CONNECTIONS if wanted is None else wanted))


def protocol_of(settings: Settings, kind: type[BoundedProtocol] = BoundedProtocol) -> partial[BoundedProtocol]:
    """Return the protocol factory for uvicorn's option `http`; it can be sent to other processes."""
    return partial(kind, connections_of(settings))
