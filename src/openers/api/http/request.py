"""Read a request from ASGI: headers by name, the body within limits. Refusals are raised as `Stop`."""

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
"""Finds the world of a request by its ASGI scope."""

ODS: Final = b"nhsd-end-user-organisation-ods"
FUNCTION: Final = b"nhsd-ers-business-function"
ON_BEHALF_OF: Final = b"nhsd-ers-on-behalf-of-user-id"
CORRELATION: Final = b"x-correlation-id"
GATEWAY_ONLY: Final = frozenset({b"x-ers-ods-code", b"x-ers-business-function", b"x-ers-user-id"})
"""Headers that only the gateway sets; an application that sends one is refused (rules 2.3)."""
SLOWEST_BYTES_PER_S: Final = 16 * 1024
"""Minimum average speed of a file upload, in bytes a second: the largest file may take almost two hours."""


LOG_IN: Final = "openers.log_in"
"""Key in the scope of a request under which the gateway notes how its user logged in."""
INJECTED: Final = "openers.injected"
"""Key in the scope of a request under which test mode notes the fault that it injects."""
BY_HEADER: Final = "openers.by_header"
"""Key in the scope of a request that names its world by a header, and not by its address."""


def always(world: World) -> WorldOf:
    """Return a function that always returns this world, as in production."""

    def _find(scope: Mapping[str, Any]) -> World:
        return world

    return _find


class Stop(Exception):
    """The edge refuses the request with a problem, before or without calling a use case."""

    def __init__(self, problem: Problem) -> None:
        """Store the problem to send to the caller."""
        super().__init__(problem.status, problem.code)
        self.problem = problem


class ClientGone(Exception):
    """The client closed the connection before it had sent its body, so no reply is sent."""


class Request:
    """One request: its address, method and headers."""

    __slots__ = ("headers", "method", "path", "scope")

    def __init__(self, scope: Scope, prefix: str) -> None:
        """Read the scope; `prefix` is the path before the FHIR version. The first of repeated headers counts."""
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"].removeprefix(prefix).rstrip("/") or "/"
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def header(self, name: bytes) -> str:
        """Return the header's value without surrounding space; empty if the header is absent."""
        return self.headers.get(name, b"").decode("latin-1").strip()


def bounded(receive: Any, most_bytes: int, within_s: float) -> Callable[[], Awaitable[Any]]:
    """Return a limited `receive` that raises Stop if a body exceeds `most_bytes` or `within_s` seconds."""
    held, more = 0, True
    ends: float | None = None

    async def _receive() -> Any:
        nonlocal held, more, ends
        if not more:  # the body is complete: this call waits for the client to disconnect
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
    """The body of a request, which can be read once: whole, or in chunks if it is a file.

    `most_bytes` limits a body that is read whole, and `within_s` limits the seconds it may take. For a file, `within_s`
    limits the wait for each chunk. It is also the total delay allowed beyond the time needed at `SLOWEST_BYTES_PER_S`.
    So a slow client cannot keep an upload open.
    """

    __slots__ = ("_receive", "most_bytes", "within_s")

    def __init__(self, receive: Any, most_bytes: int, within_s: float) -> None:
        """Store ASGI's `receive` and the limits."""
        self._receive = receive
        self.most_bytes, self.within_s = most_bytes, within_s

    async def whole(self) -> bytes:
        """Return the whole body. Raises Stop (too long or too slow) and ClientGone."""
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
        """Yield the body in chunks as they arrive. Raises Stop (too slow) and ClientGone (also for a short body)."""
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
