"""Faults that a mock server is told to show, and the requests that it received: `/_mock` of each mock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LONGEST_WAIT_S: Final = 600.0
GARBAGE: Final = b'{"resourceType": "Patient", "id": '

Handler = Callable[[Request], Awaitable[Response]]


class Fault(msgspec.Struct, frozen=True):
    """The next `times` replies wait `wait_s` seconds, then have `status` or are garbage; otherwise normal."""

    times: Annotated[int, Meta(ge=1)] = 1
    wait_s: Annotated[float, Meta(ge=0, le=LONGEST_WAIT_S)] = 0.0
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    garbage: bool = False


class Faults:
    """The fault in force, and the number of requests to each path."""

    def __init__(self) -> None:
        """Begin without a fault."""
        self._fault: Fault | None = None
        self._left = 0
        self.requests: Counter[str] = Counter()

    def wrapped(self, handler: Handler) -> Handler:
        """Return `handler` with the faults in force."""

        async def _handle(request: Request) -> Response:
            self.requests[request.url.path] += 1
            fault = self._next()
            if fault is None:
                return await handler(request)
            await asyncio.sleep(fault.wait_s)
            if fault.garbage:
                return Response(GARBAGE, media_type="application/fhir+json")
            if fault.status is not None:
                return JSONResponse({"issue": [{"code": "fault"}]}, fault.status)
            return await handler(request)

        return _handle

    def routes(self) -> list[Route]:
        """Return the routes by which tests order faults and see requests."""
        return [
            Route("/_mock/fault", self._order, methods=["PUT", "DELETE"]),
            Route("/_mock/requests", self._show, methods=["GET", "DELETE"]),
        ]

    def _next(self) -> Fault | None:
        if self._left == 0:
            return None
        self._left -= 1
        return self._fault

    async def _order(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._left = 0
            return Response(status_code=204)
        try:
            self._fault = msgspec.json.decode(await request.body(), type=Fault)
        except msgspec.DecodeError as error:
            return JSONResponse({"error": str(error)}, 400)
        self._left = self._fault.times
        return Response(status_code=204)

    async def _show(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.requests.clear()
            return Response(status_code=204)
        return JSONResponse(self.requests)
