"""Test mode put together: a service that can be made to fail, remembers its calls, explains them and tells of events.

`openers.server` opens its service here unless it is for production, which never imports this package.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Final

import msgspec
from starlette.routing import Route

from openers.api.edge import PREFIX
from openers.api.openapi import openapi_document
from openers.bootstrap import Service, open_service
from openers.domain.codes import ClinicalTerm
from openers.settings import Settings
from openers.usecases.world import World
from openers.worlds.events.feed import Feed
from openers.worlds.events.webhooks import KIND, Courier, wake
from openers.worlds.faults import FaultBoard
from openers.worlds.faulty_pas import FaultyPas
from openers.worlds.faulty_scanner import FaultyScanner
from openers.worlds.http.control import WorldOf, style_route
from openers.worlds.http.event_routes import EVENTS, event_routes
from openers.worlds.http.explain_routes import explain_routes
from openers.worlds.http.fault_routes import FAULTS, fault_routes
from openers.worlds.http.request_routes import REQUESTS, request_routes
from openers.worlds.http.webhook_routes import WEBHOOKS, webhook_routes
from openers.worlds.inspector.contract import Document
from openers.worlds.inspector.exchange import Exchanges
from openers.worlds.inspector.watched import Judges
from openers.worlds.probe import Probe

LINKS: Final = {
    FAULTS: "Order faults",
    REQUESTS: "The last calls",
    EVENTS: "What has happened",
    WEBHOOKS: "Who is told of it",
}
"""The pages for people, by address."""


async def open_test_service(settings: Settings, terms: Iterable[ClinicalTerm] = ()) -> Service:
    """The service that the settings describe, in test mode. Raises Unavailable, SettingsError."""
    board, feed = FaultBoard(), Feed(monotonic)
    service = await open_service(settings, terms, lambda world: can_fail(world, board))
    probe = probe_of(service, board)
    service.pages.router.routes.extend(probe_routes(lambda _request: service.world, probe, feed, settings))

    async def _before_due() -> None:
        await wake(service.world)

    return msgspec.structs.replace(
        service,
        edge=msgspec.structs.replace(service.edge, observer=probe if settings.kept_exchanges else None),
        jobs={**service.jobs, KIND: Courier(feed).deliver},
        before_due=_before_due,
    )


def can_fail(world: World, board: FaultBoard) -> World:
    """The same world, its PAS and its scanner failing where a fault is ordered for it."""
    faults = board.of(world.name)
    return msgspec.structs.replace(
        world, pas=FaultyPas(world.pas, faults), scanner=FaultyScanner(world.scanner, faults)
    )


def probe_of(service: Service, board: FaultBoard) -> Probe:
    """The observer of a service's edge."""
    document = Document(openapi_document(service.settings.fhir_base_url), PREFIX)
    judges = Judges(service.edge.routes, service.edge.gateway, document)
    return Probe(Exchanges(service.settings.kept_exchanges), board, judges, service.world.wall)


def probe_routes(world_of: WorldOf, probe: Probe, feed: Feed, settings: Settings) -> list[Route]:
    """What is offered below `/_test`; `world_of` finds the world of a request."""
    return [
        *fault_routes(world_of, probe.faults),
        *request_routes(world_of, probe.exchanges, settings.base_url),
        *explain_routes(world_of, probe),
        *event_routes(world_of, feed),
        *webhook_routes(world_of),
        style_route(),
    ]
