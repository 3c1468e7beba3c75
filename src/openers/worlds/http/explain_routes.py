"""`/_test/explain/{name}`: why a call was answered as it was; a name is a request id, a correlation id or a number."""

from __future__ import annotations

from starlette.requests import Request

from openers.api.gateway import Gateway
from openers.domain.callers import SYSTEM
from openers.domain.identifiers import Ubrn
from openers.usecases.world import World
from openers.worlds.http.control import Offered, route
from openers.worlds.http.pages import page, root_of, wants_page
from openers.worlds.http.request_routes import EXPLAIN, REQUESTS, found
from openers.worlds.recording.case import Case, Holder
from openers.worlds.recording.exchange import Exchange
from openers.worlds.recording.explanation import explain
from openers.worlds.recording.hidden import hidden_from
from openers.worlds.recording.recorder import Recorder
from openers.worlds.recording.world_resolver import WorldResolver


def explain_routes(finder: WorldResolver, recorder: Recorder, gateway: Gateway) -> list[Offered]:
    """Return the route of `/_test/explain/{name}`."""

    async def _explain(request: Request) -> object:
        world = finder.world(request.scope)
        named = found(request, await recorder.kept(), finder.name(request.scope))
        cases = [Case(each, gateway, await _holder(each, world)) for each in named]
        explanations = [explain(each, await hidden_from(each.exchange, world)) for each in cases]
        if wants_page(request):
            return page("explanation.html", request, explanations=explanations, requests=root_of(request) + REQUESTS)
        return {"explanations": explanations}

    return [route(f"{EXPLAIN}/{{name}}", {"GET": _explain})]


async def _holder(exchange: Exchange, world: World) -> Holder | None:
    """Return the current holder of the call's record, if it has one."""
    if not exchange.ubrn:
        return None
    async with world.read() as tx:
        stored = await tx.referrals.find(Ubrn(exchange.ubrn), SYSTEM)
    if stored is None:
        return None
    return Holder(stored.value.owner, stored.value.workgroup, stored.value.state)
