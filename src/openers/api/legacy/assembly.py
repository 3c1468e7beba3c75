"""The API of 2018 as a whole: its edge and its public documents, for `openers.bootstrap`."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import chain
from typing import Final

from starlette.datastructures import QueryParams
from starlette.routing import Route

from openers.api.addresses import PUBLIC, Declared, document_of, route
from openers.api.edge import Edge
from openers.api.http.reply import Reply
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall, Loop
from openers.api.legacy import alpha, dstu2, sessions
from openers.api.legacy.catalogue import Generation
from openers.api.legacy.edge import PREFIX, LegacyEdge, legacy_interactions
from openers.api.legacy.gate import LegacyGate
from openers.api.legacy.registry import LEGACY, facade
from openers.api.legacy.statements import catalogue_document, statement
from openers.api.renderings import ResponseCache
from openers.api.routes import Routes
from openers.domain.clock import Clock
from openers.domain.sessions.professional import SessionRules
from openers.settings import Settings
from openers.wire import problems
from openers.wire.dialect import Fhir
from openers.wire.dstu2.dialect import DSTU2
from openers.wire.stu3.dialect import STU3

__all__ = ["alpha", "dstu2", "is_legacy", "legacy_edge", "legacy_routes", "sessions"]

CATALOGUE: Final = f"{PREFIX}/catalogue"
_STATEMENTS: Final = {f"{PREFIX}/v1/metadata": DSTU2, f"{PREFIX}/STU3/v1/metadata": STU3}
_DOCUMENTS: Final = frozenset({CATALOGUE, *_STATEMENTS})
_CACHE_BYTES: Final = 8 * 2**20


def is_legacy(path: str) -> bool:
    """Return whether the edge of the API of 2018 serves `path`; its documents are public pages."""
    return path.startswith(f"{PREFIX}/") and path.rstrip("/") not in _DOCUMENTS


def legacy_edge(today: Edge) -> LegacyEdge:
    """Return the edge, which shares loop, limits and files with today's."""
    endpoints = [*LEGACY, *facade()]
    return LegacyEdge(
        loop=today.loop,
        settings=today.settings,
        gate=LegacyGate(today.gateway, rules_of(today.settings)),
        routes=Routes(endpoints),
        interactions=legacy_interactions(endpoints),
        renderings={each: ResponseCache(_CACHE_BYTES) for each in Generation},
        addresses=today.addresses,
    )


def rules_of(settings: Settings) -> SessionRules:
    """Return the rules of sessions. Without TLS, only test mode accepts callers without certificate and card."""
    return SessionRules(
        idle=timedelta(seconds=settings.session_idle_s),
        longest=timedelta(seconds=settings.session_longest_s),
        plain=not settings.production and not settings.require_tls,
    )


def legacy_routes(loop: Loop, clock: Clock) -> list[Route]:
    """Return the routes of the catalogue and of the CapabilityStatements."""
    started = clock.now()

    def _statement(path: str, fhir: Fhir) -> Route:
        def _made(base_url: str) -> bytes:
            return json.dumps(statement(fhir, f"{base_url}{PREFIX}", started)).encode()

        return document_of(loop, path, _made, {"content-type": fhir.media_type})

    catalogue = route(loop, CATALOGUE, {"GET": Declared(PUBLIC, _catalogue)})
    return list(chain([catalogue], (_statement(path, fhir) for path, fhir in _STATEMENTS.items())))


async def _catalogue(call: ActiveCall) -> Reply:
    """Return the catalogue on a day (`on`, today if absent), of one generation or all. Raises Stop."""
    query = QueryParams(call.request.scope["query_string"])
    asked = query.get("on")
    try:
        day = call.world.clock.now().date() if asked is None else date.fromisoformat(asked)
    except ValueError as error:
        raise Stop(problems.bad_header("on", (asked or "")[:40], "must be a day such as 2018-06-01.")) from error
    generation = query.get("generation")
    if generation is not None and generation not in set(Generation):
        names = ", ".join(Generation)
        raise Stop(problems.bad_header("generation", generation[:40], f"must be one of {names}."))
    wanted = list(Generation) if generation is None else [Generation(generation)]
    body = json.dumps(catalogue_document(day, wanted)).encode()
    return Reply(200, body, ((b"content-type", b"application/json"),))
