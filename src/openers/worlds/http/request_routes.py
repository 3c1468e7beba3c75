"""`/_test/requests`: the last exchanges and single ones, also for other tools (`as=har`, `as=curl`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from openers.worlds.http.control import ALWAYS, Offered, number_in, route
from openers.worlds.http.pages import page, root_of, see, wants_page
from openers.worlds.recording.exchange import Exchange, Exchanges
from openers.worlds.recording.export import curl, har
from openers.worlds.recording.near_misses import near_misses
from openers.worlds.recording.recorder import Recorder
from openers.worlds.recording.world_resolver import WorldResolver
from openers.worlds.refusals import Unknown

REQUESTS: Final = "/_test/requests"
EXPLAIN: Final = "/_test/explain"


def request_routes(finder: WorldResolver, recorder: Recorder) -> list[Offered]:
    """Return the routes of `/_test/requests` and `/_test/requests/{name}` (a number, request id or correlation id)."""

    async def _list(request: Request) -> object:
        base_url, root = finder.world(request.scope).base_url, root_of(request)
        chosen = list(_chosen(request, await recorder.kept(), finder.name(request.scope)))
        if request.query_params.get("as") == "har":
            return har(reversed(chosen), base_url)
        if wants_page(request):
            return page("requests.html", request, exchanges=chosen, explain=root + EXPLAIN, requests=root + REQUESTS)
        return {"requests": [_summary(each) for each in chosen]}

    async def _one(request: Request) -> object:
        exchange = found(request, await recorder.kept(), finder.name(request.scope))[0]
        base_url, root = finder.world(request.scope).base_url, root_of(request)
        match request.query_params.get("as"):
            case "curl":
                return PlainTextResponse(curl(exchange, base_url) + "\n", headers=ALWAYS)
            case "har":
                return har([exchange], base_url)
            case _ if wants_page(request):
                command = curl(exchange, base_url)
                return page(
                    "request.html",
                    request,
                    one=exchange,
                    near=near_misses(exchange),
                    curl=command,
                    explain=root + EXPLAIN,
                )
            case _:
                return _told(exchange, base_url, root)

    async def _forget(request: Request) -> object:
        (await recorder.kept()).forget(finder.name(request.scope))
        return {"requests": []}

    async def _forget_by_form(request: Request) -> object:
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


def _chosen(request: Request, exchanges: Exchanges, world: str) -> Iterator[Exchange]:
    """Yield the exchanges that the query selects by status, operation and correlation id, the latest first."""
    asked = request.query_params
    status, most = number_in(request, "status"), number_in(request, "limit", 1000)
    for each in list(exchanges.of(world))[:most]:
        if (
            status in (0, each.status)
            and asked.get("operation", _id_of(each)) == _id_of(each)
            and asked.get("correlation_id", each.correlation_id) == each.correlation_id
        ):
            yield each


def _id_of(exchange: Exchange) -> str:
    return "" if exchange.operation is None else exchange.operation.id


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
