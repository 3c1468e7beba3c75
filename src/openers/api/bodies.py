"""Bodies of requests to pages: whichever route reads one, and however, it is neither too long nor too slow.

The FHIR edge reads bodies by `openers.api.request.Incoming`; Starlette's `Request` would read them without any bound.
"""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from openers.api.request import Stop, bounded
from openers.wire.outcome import Fhir

READING: Final = frozenset({"GET", "HEAD"})
"""Methods of which no body is read, so that whoever receives waits for the caller to go away."""


class BoundedBodies:
    """Middleware of Starlette: reading a body raises Stop where it is too long or too slow."""

    def __init__(self, app: ASGIApp, most_bytes: int, within_s: float) -> None:
        """A body may have `most_bytes` and take `within_s` seconds to arrive."""
        self._app, self._most_bytes, self._within_s = app, most_bytes, within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["method"] not in READING:
            receive = bounded(receive, Fhir.R4, self._most_bytes, self._within_s)
        await self._app(scope, receive, send)


async def tell_stop(_request: Request, error: Exception) -> Response:
    """Return the reply for a Stop that no route has turned into one of its own. Raises any other error."""
    if not isinstance(error, Stop):
        raise error
    headers = {"Cache-Control": "no-store", "Connection": "close"}
    body = msgspec.json.encode({"error": error.problem.diagnostics})
    return Response(body, error.problem.status, headers, "application/json")
