"""A reply and how it is sent. Each handler returns one; `openers.api.interaction` sends it.

Each reply carries its request id. Unless it sets its own headers, it forbids caching and media type sniffing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

import msgspec
from starlette.responses import Response, StreamingResponse

Header = tuple[bytes, bytes]
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
"""Forbids caching, since replies may contain patient data. Source: RFC 9111 chapter 5.2.2.5."""
NO_SNIFF: Final[Header] = (b"x-content-type-options", b"nosniff")


class Chunks(Protocol):
    """The chunks of a body, and a way to release their source."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the chunks."""
        ...

    async def aclose(self) -> None:
        """Close the source."""
        ...


class Content(msgspec.Struct, frozen=True):
    """A body that is read while it is sent. `size` is in bytes, `None` if it is unknown before the end.

    `chunks` is absent in the reply to HEAD.
    """

    chunks: Chunks | None
    size: int | None


class Reply(msgspec.Struct, frozen=True):
    """A reply: status, body (of the operation's media type) and headers beyond those of every reply."""

    status: int
    body: bytes | Content
    headers: tuple[Header, ...] = ()

    def with_headers(self, *more: Header) -> Reply:
        """Return the same reply with more headers."""
        return Reply(self.status, self.body, (*self.headers, *more))

    async def close(self) -> None:
        """Close the file that the reply sends, if any, also if it was sent in part."""
        if isinstance(self.body, Content) and self.body.chunks is not None:
            await self.body.chunks.aclose()


def reply_of(response: Response) -> Reply:
    """Convert a Starlette response into a reply."""
    headers = tuple(each for each in response.raw_headers if each[0] != b"content-length")
    if isinstance(response, StreamingResponse):
        chunks: Any = response.body_iterator
        return Reply(response.status_code, Content(chunks, None), headers)
    return Reply(response.status_code, bytes(response.body), headers)


async def send_reply(channel: tuple[Any, Any], reply: Reply, own: tuple[Header, ...], method: str) -> None:
    """Send a reply with the headers `own` of its call; `channel` is ASGI's `receive` and `send`."""
    receive, send = channel
    body, headers = reply.body, [*own, *reply.headers]
    named = dict(reply.headers)
    if b"cache-control" not in named:
        headers.append(NO_STORE)
    if b"x-content-type-options" not in named:
        headers.append(NO_SNIFF)
    size = body.size if isinstance(body, Content) else len(body)
    if size is not None:
        headers.append((b"content-length", b"%d" % size))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if isinstance(body, Content):
        if body.chunks is not None and method != "HEAD" and not await _send_chunks(body.chunks, receive, send):
            return
        body = b""
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


async def _send_chunks(chunks: Chunks, receive: Any, send: Any) -> bool:
    """Send a body in chunks; return whether it was complete before the client disconnected."""
    sending = asyncio.ensure_future(_each_sent(chunks, send))
    gone = asyncio.ensure_future(_client_gone(receive))
    try:
        await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            return False
        sending.result()
        return True
    finally:
        sending.cancel()
        gone.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)


async def _each_sent(chunks: Chunks, send: Any) -> None:
    async for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _client_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
