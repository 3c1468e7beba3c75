"""`/_test/requests`: the last exchanges and single ones, also for other tools (`as=har`, `as=curl`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from openers.worlds.http.control import ALWAYS, Offered, number_in, route
from openers.worlds.http.pages import page, root_of, see, wants_page
from openers.worlds.recording.connection import stops_of
from openers.worlds.recording.exchange import Exchange, Exchanges
from openers.worlds.recording.export import curl, har
from openers.worlds.recording.near_misses import near_misses
from openers.worlds.recording.recorder import Recorder
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import Unknown
from openers_web.event_stream import Event, event_response
from openers_web.parts.forms import hidden
from openers_web.parts.lists import Pill
from openers_web.parts.tables import Cell, Column, Row, table
from openers_web.parts.texts import Fact, facts

REQUESTS: Final = "/_test/requests"
EXPLAIN: Final = "/_test/explain"
STREAM: Final = "text/event-stream"
MOST_SHOWN: Final = 50
"""Calls of a page."""
LOOK_EVERY_S: Final = 0.5
"""Pause between two looks for new calls, in seconds."""
OUTCOMES: Final[Mapping[str, Callable[[Exchange], bool]]] = {
    "refused": lambda each: each.status >= 400,
    "failed": lambda each: each.status >= 500 or each.status == 0,
    "with findings": lambda each: bool(each.findings or each.reply_findings),
}
"""Filters of the page by the outcome of a call."""
FIELDS: Final = ("outcome", "operation", "correlation_id")
"""Everything that filters the page."""
FORGET: Final[Mapping[str, Any]] = {
    "question": "Delete the stored calls of this world?",
    "consequence": "The list of calls becomes empty. What the calls did remains.",
    "act": "Delete calls",
    "fields": hidden("confirmed", "yes"),
}
"""The page that asks before the list is emptied."""


def request_routes(finder: WorldResolver, recorder: Recorder) -> list[Offered]:
    """Return the routes of `/_test/requests` and `/_test/requests/{name}` (a number, request id or correlation id)."""

    async def _list(request: Request) -> object:
        if STREAM in request.headers.get("accept", ""):
            return _stream(request, recorder, finder.name(request.scope))
        chosen = _chosen(request, await recorder.kept(), finder.name(request.scope))
        if request.query_params.get("as") == "har":
            return har(reversed(chosen), finder.world(request.scope).base_url)
        if wants_page(request):
            return _list_page(request, chosen)
        return {"requests": [_summary(each) for each in chosen]}

    async def _one(request: Request) -> object:
        exchange = found(request, await recorder.kept(), finder.name(request.scope))[0]
        base_url = finder.world(request.scope).base_url
        match request.query_params.get("as"):
            case "curl":
                return PlainTextResponse(curl(exchange, base_url) + "\n", headers=ALWAYS)
            case "har":
                return har([exchange], base_url)
            case _ if wants_page(request):
                shown: dict[str, Any] = {"near": near_misses(exchange), "curl": curl(exchange, base_url)}
                return page("request.html", request, one=exchange, header_facts=header_facts, **shown)
            case _:
                return _told(exchange, base_url, root_of(request))

    async def _forget(request: Request) -> object:
        (await recorder.kept()).forget(finder.name(request.scope))
        return {"requests": []}

    async def _forget_by_form(request: Request) -> object:
        here = f"{root_of(request)}{REQUESTS}"
        if (await request.form()).get("confirmed") != "yes":
            return page("kit/confirm.html", request, action=here, cancel=here, **FORGET)
        await _forget(request)
        return see(request, REQUESTS)

    return [
        route(REQUESTS, {"GET": _list, "DELETE": _forget, "POST": _forget_by_form}),
        route(f"{REQUESTS}/{{name}}", {"GET": _one}),
    ]


def found(request: Request, exchanges: Exchanges, world: str) -> list[Exchange]:
    """Return the exchanges that the path names, the latest first. Raises Unknown if none is stored."""
    name = str(request.path_params["name"])
    named = list(exchanges.find(world, name))
    if not named:
        raise Unknown(f"{name!r}: no call with this id is stored; each process keeps only its last calls")
    return named


def _chosen(request: Request, exchanges: Exchanges, world: str) -> list[Exchange]:
    """Return the exchanges that the query selects by status, operation, application and correlation id.

    An empty field of the page's form selects all.
    """
    asked = request.query_params
    status, most = number_in(request, "status"), number_in(request, "limit", 1000)
    any_of = {None, ""} if wants_page(request) else {None}
    operation, correlation = asked.get("operation"), asked.get("correlation_id")
    application = asked.get("application")
    return [
        each
        for each in list(exchanges.of(world))[:most]
        if status in (0, each.status)
        and (operation in any_of or operation == _id_of(each))
        and (correlation in any_of or correlation == each.correlation_id)
        and (application in any_of or application == _application_of(each))
    ]


def _list_page(request: Request, chosen: Sequence[Exchange]) -> Response:
    """Return the page of the list: the latest calls, filters with counts, and a stream that tells of new ones."""
    here, asked = f"{root_of(request)}{REQUESTS}", {name: request.query_params.get(name, "") for name in FIELDS}
    outcomes = {"": chosen, **{name: [each for each in chosen if holds(each)] for name, holds in OUTCOMES.items()}}
    outcome = asked["outcome"] if asked["outcome"] in OUTCOMES else ""
    filters = [
        Pill(name.capitalize() or "All", _query({**asked, "outcome": name}) or here, len(those), name == outcome)
        for name, those in outcomes.items()
    ]
    return page(
        "requests.html",
        request,
        calls=_table(outcomes[outcome][:MOST_SHOWN], root_of(request)),
        total=len(outcomes[outcome]),
        shown=MOST_SHOWN,
        filters=filters,
        here=here,
        download=_query({**asked, "as": "har"}),
        asked=asked,
    )


def _query(values: Mapping[str, str]) -> str:
    """Return a query of the values that are not empty; nothing without any."""
    given = {name: value for name, value in values.items() if value}
    return f"?{urlencode(given)}" if given else ""


def _table(exchanges: Sequence[Exchange], root: str) -> Markup:
    columns = (
        *(Column("Call"), Column("Operation", "short"), Column("Status", "short")),
        *(Column("Time", "number"), Column("Findings", "number")),
    )
    rows = [_row(each, root) for each in exchanges]
    return table("Calls, the latest first", columns, rows, empty="No calls to show.")


def _row(each: Exchange, root: str) -> Row:
    why = Markup('<a href="{}{}/{}">why {}?</a>').format(root, EXPLAIN, each.number, each.number)
    fault = f"fault: {each.fault}" if each.fault else ""
    second = Markup("{} {}").format(fault, why) if each.problem else fault
    return Row(
        (
            Cell(f"{each.method} {each.target}", f"Call {each.number}", f"{root}{REQUESTS}/{each.number}"),
            _id_of(each) or "none",
            Cell(str(each.status or "no reply"), second),
            f"{each.took.total_seconds() * 1000:.1f} ms",
            str(len(each.findings) + len(each.reply_findings) or "none"),
        )
    )


def header_facts(headers: Sequence[tuple[str, str]]) -> Markup:
    """Return the headers of a message as a list of names and values."""
    return facts([Fact(name, value) for name, value in headers])


def _stream(request: Request, recorder: Recorder, world: str) -> Response:
    """Return a stream with an event for each time that calls were added or deleted."""
    stops, seen = stops_of(dict(request.scope)), -1

    async def _next(wait_s: float) -> Sequence[Event] | None:
        nonlocal seen
        for _ in range(int(wait_s / LOOK_EVERY_S)):
            if stops.is_set() or await request.is_disconnected():
                return None
            latest = next((each.number for each in (await recorder.kept()).of(world)), 0)
            if latest != seen:
                seen = latest
                return [Event(str(latest))]
            with suppress(TimeoutError):
                await asyncio.wait_for(stops.wait(), LOOK_EVERY_S)
        return []

    return event_response(_next)


def _id_of(exchange: Exchange) -> str:
    return "" if exchange.operation is None else exchange.operation.id


def _application_of(exchange: Exchange) -> str:
    return "" if exchange.caller is None else exchange.caller.application


def _summary(exchange: Exchange) -> dict[str, Any]:
    """Return one line of the list."""
    return {
        "number": exchange.number,
        "at": exchange.at,
        "call": f"{exchange.method} {exchange.target}",
        "operation": _id_of(exchange),
        "status": exchange.status,
        "took_ms": round(exchange.took.total_seconds() * 1000, 3),
        "request_id": exchange.request_id,
        "correlation_id": exchange.correlation_id,
        "fault": exchange.fault,
        "findings": len(exchange.findings) + len(exchange.reply_findings),
        "near_misses": [str(each) for each in near_misses(exchange)],
    }


def _told(exchange: Exchange, base_url: str, root: str) -> dict[str, Any]:
    """Return all details of one exchange."""
    caller = exchange.caller
    return {
        **_summary(exchange),
        "caller": None if caller is None else {"application": caller.application, "user": caller.user},
        "rule": "" if exchange.problem is None else str(exchange.problem.rule),
        "request": exchange.request,
        "reply": exchange.reply,
        "findings": {
            "request": [each._asdict() for each in exchange.findings],
            "reply": [each._asdict() for each in exchange.reply_findings],
        },
        "near_misses": near_misses(exchange),
        "curl": curl(exchange, base_url),
        "explain": f"{root}{EXPLAIN}/{exchange.request_id}",
    }
