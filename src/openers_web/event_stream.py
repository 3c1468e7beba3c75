"""Server-sent events: pages that follow what happens without asking again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

import msgspec
from starlette.responses import StreamingResponse

HEARTBEAT_S: Final = 15.0
"""A comment after this time without an event, so that proxies keep the connection and a lost browser is noticed."""


class Event(msgspec.Struct, frozen=True):
    """An event; with an id, a browser that comes back names the last one that it saw."""

    data: str
    id: str = ""
    name: str = ""


EventSource = Callable[[float], Awaitable[Sequence[Event] | None]]
"""Waits for events, at most the given number of seconds. Returns none of them after that time; None ends the stream."""


def event_text(event: Event) -> str:
    """Return an event in the format of the stream; line breaks in data make several data lines."""
    head = (f"id: {_line(event.id)}\n" if event.id else "") + (f"event: {_line(event.name)}\n" if event.name else "")
    lines = event.data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return head + "".join(f"data: {line}\n" for line in lines) + "\n"


def event_response(source: EventSource, heartbeat_s: float = HEARTBEAT_S) -> StreamingResponse:
    """Return a stream of events that ends with its source or when the browser leaves."""
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff", "x-accel-buffering": "no"}
    return StreamingResponse(_texts(source, heartbeat_s), headers=headers, media_type="text/event-stream")


async def _texts(source: EventSource, heartbeat_s: float) -> AsyncIterator[bytes]:
    yield b": open\n\n"
    while (events := await source(heartbeat_s)) is not None:
        yield "".join(map(event_text, events)).encode() or b": still open\n\n"


def _line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")
