"""Connections of the Test PAS: none is held for ever, and none can be dropped only by the caller."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from openers_testpas.faults import ABORT, CALL


class PasProtocol(HttpToolsProtocol):
    """HTTP with deadlines and limits, and an ASGI extension that closes the transport without a reply.

    A request has to arrive whole, body included, within `within_s` seconds and `longest` bytes. Of more than `most`
    connections the one is closed whose request has been awaited longest.
    """

    within_s: ClassVar[float] = 30.0
    longest: ClassVar[int] = 128 * 1024
    most: ClassVar[int] = 500

    def __init__(self, *given: Any, **named: Any) -> None:
        """The arguments are uvicorn's."""
        super().__init__(*given, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._held = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows the type, too
        """Take the connection, in the place of another one if need be."""
        super().connection_made(transport)
        self._await_request()
        if len(self.connections) > self.most:
            open_now = cast("set[PasProtocol]", self.connections)
            waiting = {each: each.ends_s for each in open_now if each.ends_s is not None}
            min(waiting, key=waiting.__getitem__).drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_awaiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, as far as it is not too much."""
        self._held += len(data)
        super().data_received(data)
        if self._held > self.longest:
            self.drop()
        elif self._held and self._deadline is None:
            self._await_request()

    def on_message_begin(self) -> None:
        """Put the extension into the scope of the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {CALL: self.transport.abort}}

    def on_message_complete(self) -> None:
        """Stop the clock: the request has arrived."""
        self._held = 0
        self._stop_awaiting()
        super().on_message_complete()
        if self.cycle.response_complete:  # its body came after its reply, and stopped uvicorn's clock
            self._await_request()

    @property
    def ends_s(self) -> float | None:
        """When the request must have arrived, by the clock of the event loop; `None` if none is awaited."""
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
