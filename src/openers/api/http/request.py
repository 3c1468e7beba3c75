"""What arrives at the edge, read from ASGI: headers by name, the body within limits. Refusals are raised as `Stop`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Final

from openers.usecases.world import World
from openers.wire import problems
from openers.wire.dialect import Problem

Scope = dict[str, Any]
"""An ASGI connection scope."""
WorldOf = Callable[[Mapping[str, Any]], World]
"""Finds the world that a request is for, by its ASGI scope."""

ODS: Final = b"nhsd-end-user-organisation-ods"
FUNCTION: Final = b"nhsd-ers-business-function"
ON_BEHALF_OF: Final = b"nhsd-ers-on-behalf-of-user-id"
CORRELATION: Final = b"x-correlation-id"
GATEWAY_ONLY: Final = frozenset({b"x-ers-ods-code", b"x-ers-business-function", b"x-ers-user-id"})
"""Headers that the gateway sets for what is behind it; an application that sends one is refused (rules 2.3)."""
SLOWEST_BYTES_PER_S: Final = 16 * 1024
"""How fast a file must arrive on the whole, in bytes a second: the largest may take almost two hours."""


def always(world: World) -> WorldOf:
    """Every request is for this world, as in production."""

    def _find(scope: Mapping[str, Any]) -> World:
        return world

    return _find


class Stop(Exception):
    """The edge refuses the request with a problem, before or without asking any rule."""

    def __init__(self, problem: Problem) -> None:
        """What to tell the caller."""
        super().__init__(problem.status, problem.code)
        self.problem = problem


class ClientGone(Exception):
    """The client closed the connection before it had sent its body; nobody waits for a reply."""


class Request:
    """One request: where it is addressed to and what its headers say."""

    __slots__ = ("headers", "method", "path", "scope")

    def __init__(self, scope: Scope, prefix: str) -> None:
        """`prefix` is what stands before the FHIR version in the path. Of repeated headers the first counts."""
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"].removeprefix(prefix).rstrip("/") or "/"
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def header(self, name: bytes) -> str:
        """The header's value without surrounding space, empty if it is absent."""
        return self.headers.get(name, b"").decode("latin-1").strip()


def bounded(receive: Any, most_bytes: int, within_s: float) -> Callable[[], Awaitable[Any]]:
    """Return ASGI's `receive`, which raises Stop where a body is longer than `most_bytes`, or not there `within_s`."""
    held, more = 0, True
    ends: float | None = None

    async def _receive() -> Any:
        nonlocal held, more, ends
        if not more:  # whoever asks now waits for the caller to go away
            return await receive()
        ends = ends or asyncio.get_running_loop().time() + within_s
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError as error:
            raise Stop(problems.too_slow(within_s)) from error
        held += len(message.get("body", b""))
        if held > most_bytes:
            raise Stop(problems.too_large(most_bytes))
        more = message.get("more_body", False)
        return message

    return _receive


class Incoming:
    """The body of a request, which is read once: whole, or piece by piece where it is a file.

    `most_bytes` bounds what is read whole; `within_s` is how long, in seconds, a body may keep the service waiting:
    all of it where it is read whole. A file may do so at each piece, and on the whole that much longer than it takes
    at `SLOWEST_BYTES_PER_S`, so that nobody holds an upload open with a byte now and then.
    """

    __slots__ = ("_receive", "most_bytes", "within_s")

    def __init__(self, receive: Any, most_bytes: int, within_s: float) -> None:
        """`receive` is ASGI's."""
        self._receive = receive
        self.most_bytes, self.within_s = most_bytes, within_s

    async def whole(self) -> bytes:
        """All of it. Raises Stop (too long, or too slow) and ClientGone."""
        receive = bounded(self._receive, self.most_bytes, self.within_s)
        chunks: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        return b"".join(chunks)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Piece by piece, as it arrives. Raises Stop (too slow) and ClientGone (also where it ends too early)."""
        more, left_s = True, self.within_s
        while more:
            began = perf_counter()
            try:
                async with asyncio.timeout(min(left_s, self.within_s)):
                    message = await self._receive()
            except TimeoutError as error:
                raise Stop(problems.too_slow(self.within_s)) from error
            if message["type"] == "http.disconnect":
                raise ClientGone
            more, chunk = message.get("more_body", False), message.get("body", b"")
            left_s += len(chunk) / SLOWEST_BYTES_PER_S - (perf_counter() - began)
            if chunk:
                yield chunk
