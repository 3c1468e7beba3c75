"""Connections of the Test PAS: each has a deadline, and the server can drop them."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from openers_testpas.faults import ABORT, CALL


class PasProtocol(HttpToolsProtocol):
    """HTTP with deadlines and limits, and an ASGI extension that closes the transport without a reply.

    A request must arrive completely, body included, within `within_s` seconds and `longest` bytes. If there are more
    than `most` connections, the one that has waited longest for its request is closed.
    """

    within_s: ClassVar[float] = 30.0
    longest: ClassVar[int] = 128 * 1024
    most: ClassVar[int] = 500

    def __init__(self, *given: Any, **named: Any) -> None:
        """Pass all arguments to uvicorn."""
        super().__init__(*given, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._held = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows the type, too
        """Accept the connection; drop another one if there are too many."""
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > self.most:
            open_now = cast("set[PasProtocol]", self.connections)
            waiting = {each: each.ends_s for each in open_now if each.ends_s is not None}
            min(waiting, key=waiting.__getitem__).drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._stop_awaiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received data up to the limit."""
        self._held += len(data)
        super().data_received(data)
        if self._held > self.longest:
            self.drop()
        elif self._held and self._deadline is None:
            self._await_request()

    def on_message_begin(self) -> None:
        """Put the extension into the scope of the new request."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {CALL: self.transport.abort}}

    def on_message_complete(self) -> None:
        """Stop the timer: the request has arrived."""
        self._held = 0
        self._stop_awaiting()
        super().on_message_complete()
        if self.cycle.response_complete:  # its body came after its reply, and stopped uvicorn's timer
            self._await_request()

    @property
    def ends_s(self) -> float | None:
        """Return when the request must have arrived, by the clock of the event loop; `None` if none is awaited."""
        return None if self._deadline is None else self._deadline.when()

    def drop(self) -> None:
        """Close the connection without a reply."""
        self._stop_awaiting()
        self.transport.abort()

    def _await_request(self) -> None:
        if not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.within_s, self.drop)

    def _stop_awaiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
