"""`/_test/events`: events after the event `since`, as JSON, as a stream or as a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from openers.api.events.stream import stream
from openers.domain.events import Event
from openers.usecases.events.feed import write_event
from openers.usecases.world import World
from openers.worlds.http.control import ALWAYS, DIGITS, JSON, Offered, number_in, route
from openers.worlds.http.pages import page, wants_page
from openers.worlds.recording.connection import stops_of
from openers.worlds.recording.world_resolver import WorldResolver
from openers_web.dates import moment_in_words
from openers_web.parts.tables import Column, Row, table

EVENTS: Final = "/_test/events"
STREAM: Final = "text/event-stream"
MOST_SHOWN: Final = 100
"""Events of a page."""
LAST_EVENT: Final = "last-event-id"


def event_routes(finder: WorldResolver) -> list[Offered]:
    """Return the routes of `/_test/events`."""

    async def _events(request: Request) -> Response:
        world, since = finder.world(request.scope), number_in(request, "since")
        if STREAM in request.headers.get("accept", ""):
            return _stream(request, (world, finder.name(request.scope)), since)
        async with world.read() as tx:
            events = await world.feed.after(since, tx)
        if wants_page(request):
            last = events[-1].number if events else since
            return page(
                "events.html", request, events_table=_table(events[: -MOST_SHOWN - 1 : -1]), since=since, last=last
            )
        told = [msgspec.Raw(write_event(each, finder.name(request.scope))) for each in events]
        return Response(msgspec.json.encode({"events": told}), headers=ALWAYS, media_type=JSON)

    return [route(EVENTS, {"GET": _events})]


def _table(events: Sequence[Event]) -> Markup:
    columns = (
        *(Column("Number", "number"), Column("Time"), Column("Act")),
        *(Column("Record"), Column("Version", "number"), Column("By")),
    )
    rows = [
        Row(
            (
                str(each.number),
                moment_in_words(each.at),
                each.act,
                f"{each.kind} {each.key}",
                str(each.version),
                each.by,
            )
        )
        for each in events
    ]
    return table("Events, the latest first", columns, rows, empty="No events.")


def _stream(request: Request, named: tuple[World, str], since: int) -> Response:
    """Return a stream of all later events. A reader that reconnects sends the id of its last event."""
    last = request.headers.get(LAST_EVENT, "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) <= DIGITS else since
    body = stream(named, after, stops_of(dict(request.scope)), request.is_disconnected)
    return StreamingResponse(body, headers=ALWAYS, media_type=STREAM)
