"""`/_test/explain/{name}`: why a call was answered as it was; a name is a request id, a correlation id or a number."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup
from starlette.requests import Request

from openers.api.gateway import Gateway
from openers.domain.callers import SYSTEM
from openers.domain.identifiers import Ubrn
from openers.usecases.world import World
from openers.worlds.http.control import Offered, route
from openers.worlds.http.pages import in_words, page, wants_page
from openers.worlds.http.request_routes import EXPLAIN, found
from openers.worlds.recording.case import Case, Holder
from openers.worlds.recording.exchange import Exchange
from openers.worlds.recording.explanation import Explanation, explain
from openers.worlds.recording.hidden import hidden_from
from openers.worlds.recording.recorder import Recorder
from openers.worlds.recording.world_resolver import WorldResolver
from openers_web.parts.tables import Cell, Column, Row, table


def explain_routes(finder: WorldResolver, recorder: Recorder, gateway: Gateway) -> list[Offered]:
    """Return the route of `/_test/explain/{name}`."""

    async def _explain(request: Request) -> object:
        world = finder.world(request.scope)
        named = found(request, await recorder.kept(), finder.name(request.scope))
        cases = [Case(each, gateway, await _holder(each, world)) for each in named]
        explanations = [explain(each, await hidden_from(each.exchange, world)) for each in cases]
        if wants_page(request):
            tables = [_table(each) for each in explanations]
            return page("explanation.html", request, explanations=explanations, tables=tables)
        return {"explanations": explanations}

    return [route(f"{EXPLAIN}/{{name}}", {"GET": _explain})]


def _table(explanation: Explanation) -> Markup:
    """Return what a search did not show, and the checks that apply in their order."""
    rows = [
        Row((step.check, Cell(str(step.verdict), breach=step.verdict == "failed"), _facts(step.facts)))
        for step in explanation.steps
        if step.verdict != "does not apply"
    ]
    checks = table("Checks in order", (Column("Check"), Column("Outcome", "short"), Column("Facts")), rows)
    return _hidden(explanation) + checks if explanation.hidden else checks


def _hidden(explanation: Explanation) -> Markup:
    """Return the services and slots that a search did not show."""
    rows = [Row((each.what, each.hidden_by, each.told)) for each in explanation.hidden]
    return table("What the search did not show", (Column("Service or slot"), Column("Hidden by"), Column("Why")), rows)


def _facts(facts: Mapping[str, object]) -> str:
    return "; ".join(f"{name}: {in_words(value)}" for name, value in facts.items() if value not in (None, "", []))


async def _holder(exchange: Exchange, world: World) -> Holder | None:
    """Return the current holder of the call's record, if it has one."""
    if not exchange.ubrn:
        return None
    async with world.read() as tx:
        stored = await tx.referrals.find(Ubrn(exchange.ubrn), SYSTEM)
    if stored is None:
        return None
    return Holder(stored.value.owner, stored.value.workgroup, stored.value.state)
