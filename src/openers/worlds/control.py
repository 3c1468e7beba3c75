"""What test mode shows of a world under `/_test`. Production never imports this module."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openers.api.request import WorldOf


def control_routes(world_of: WorldOf) -> list[Route]:
    """`/_test/events`: what has happened, in order, after the event number `since`, in the world of the request."""

    async def _events(request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not (since.isascii() and since.isdigit() and len(since) <= 18):
            return JSONResponse({"error": "since must be the number of an event"}, 400)
        async with world_of(request.scope).read() as tx:
            events = await tx.events.since(int(since))
        body = msgspec.json.encode({"events": events}, enc_hook=str.__str__)
        return Response(body, media_type="application/json")

    return [Route("/_test/events", _events)]
