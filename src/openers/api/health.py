"""Liveness, health and metrics: open to everybody, telling nothing of anybody."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.dialects import ProblemDialect
from openers.api.interaction import ActiveCall, Interaction, Loop, Trace
from openers.api.reply import Header, Reply
from openers.domain.errors import Unavailable
from openers.telemetry.metrics import CONTENT_TYPE
from openers.usecases.world import World
from openers.wire.instants import write_instant

HEALTH: Final = Interaction(audit="", operation="health", dialect=ProblemDialect(), trace=Trace.NOTHING)
"""Asked every few seconds, of nobody: it leaves nothing in the audit and nothing with the observer."""
_JSON: Final[Header] = (b"content-type", b"application/json")


def health_routes(loop: Loop, world: World, *, with_metrics: bool) -> list[Route]:
    """`/referrals/_ping`, `/referrals/_status`, and `/metrics` unless it has a port of its own."""

    async def _ping(_call: ActiveCall) -> Reply:
        return Reply(200, b'{"status":"pass"}', (_JSON,))

    async def _status(_call: ActiveCall) -> Reply:
        checks = {"database": await _database(world)}
        passed = all(check == "pass" for check in checks.values())
        slots = await _slots(world) if passed else {}
        body = {"status": "pass" if passed else "fail", "checks": checks, "slots": slots}
        return Reply(200 if passed else 503, msgspec.json.encode(body), (_JSON,))

    routes = [
        route(loop, "/referrals/_ping", {"GET": Declared(HEALTH, _ping)}),
        route(loop, "/referrals/_status", {"GET": Declared(HEALTH, _status)}),
    ]
    return [*routes, metrics_route(loop)] if with_metrics else routes


def metrics_route(loop: Loop) -> Route:
    """`/metrics`, for Prometheus."""

    async def _render(_call: ActiveCall) -> Reply:
        return Reply(200, loop.metrics.render(), ((b"content-type", CONTENT_TYPE.encode()),))

    return route(loop, "/metrics", {"GET": Declared(HEALTH, _render)})


async def _database(world: World) -> str:
    try:
        await world.store.check()
    except Unavailable:
        return "fail"
    return "pass"


async def _slots(world: World) -> dict[str, str | None]:
    """When the slots of each linked service were last polled, `None` if never. A PAS that is away fails no check."""
    try:
        async with world.read() as tx:
            linked, polls = await tx.links.all(), await tx.links.polls()
    except Unavailable:
        return {}
    polled = {poll.service: write_instant(poll.polled) for poll in polls}
    return {link.service: polled.get(link.service) for link in linked}
