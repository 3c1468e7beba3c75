"""Liveness, health and metrics: open to everybody, telling nothing of anybody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openers.domain.errors import Unavailable
from openers.telemetry.metrics import CONTENT_TYPE, Metrics
from openers.usecases.world import World
from openers.wire.instants import write_instant


def health_routes(world: World, metrics: Metrics, *, with_metrics: bool) -> list[Route]:
    """`/referrals/_ping`, `/referrals/_status`, and `/metrics` unless it has a port of its own."""

    async def _ping(_request: Request) -> Response:
        return JSONResponse({"status": "pass"})

    async def _status(_request: Request) -> Response:
        checks = {"database": await _database(world)}
        passed = all(check == "pass" for check in checks.values())
        slots = await _slots(world) if passed else {}
        body = {"status": "pass" if passed else "fail", "checks": checks, "slots": slots}
        return JSONResponse(body, 200 if passed else 503)

    routes = [Route("/referrals/_ping", _ping), Route("/referrals/_status", _status)]
    return [*routes, metrics_route(metrics)] if with_metrics else routes


def metrics_route(metrics: Metrics) -> Route:
    """`/metrics`, for Prometheus."""

    async def _render(_request: Request) -> Response:
        return Response(metrics.render(), headers={"content-type": CONTENT_TYPE})

    return Route("/metrics", _render)


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
