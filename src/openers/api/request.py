"""What arrives at the edge, read from ASGI: headers by name, the body within limits. Refusals are raised as `Stop`."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from openers.wire import problems
from openers.wire.outcome import Fhir, Problem

Scope = dict[str, Any]
"""An ASGI connection scope."""

ODS: Final = b"nhsd-end-user-organisation-ods"
FUNCTION: Final = b"nhsd-ers-business-function"
ON_BEHALF_OF: Final = b"nhsd-ers-on-behalf-of-user-id"
CORRELATION: Final = b"x-correlation-id"
GATEWAY_ONLY: Final = frozenset({b"x-ers-ods-code", b"x-ers-business-function", b"x-ers-user-id"})
"""Headers that the gateway sets for what is behind it; an application that sends one is refused (rules 2.3)."""


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

    __slots__ = ("fhir", "headers", "method", "path", "scope")

    def __init__(self, scope: Scope, prefix: str) -> None:
        """`prefix` is what stands before the FHIR version in the path. Of repeated headers the first counts."""
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"][len(prefix) :].rstrip("/") or "/"
        self.headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self.fhir = Fhir.R4 if self.path.startswith("/R4") else Fhir.STU3

    def header(self, name: bytes) -> str:
        """The header's value without surrounding space, empty if it is absent."""
        return self.headers.get(name, b"").decode("latin-1").strip()


async def read_body(receive: Any, fhir: Fhir, most_bytes: int, within_s: float) -> bytes:
    """The whole body. Raises Stop (longer than `most_bytes`, or not there `within_s` seconds) and ClientGone."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > most_bytes:
            raise Stop(problems.too_large(fhir, most_bytes))
        return body
    try:
        async with asyncio.timeout(within_s):
            return await _read_chunks(message, receive, fhir, most_bytes)
    except TimeoutError as error:
        raise Stop(problems.too_slow(fhir, within_s)) from error


async def _read_chunks(message: Any, receive: Any, fhir: Fhir, most_bytes: int) -> bytes:
    """The body that begins with `message`."""
    chunks: list[bytes] = []
    held = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        held += len(chunks[-1])
        if held > most_bytes:
            raise Stop(problems.too_large(fhir, most_bytes))
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()
