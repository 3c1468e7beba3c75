"""The FHIR edge: a bare ASGI application that runs each call below the FHIR base through the same steps.

Steps: authenticate the caller (gateway), find the operation (routes), check the role (gateway), check media type and
body (media, body), run the operation. The loop (`interaction`) adds audit, ids, refusals in the caller's FHIR version,
and the reply.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from openers.api.call import Call
from openers.api.dialects import FhirDialect
from openers.api.gateway import Gateway, in_role, open_gate
from openers.api.http.bounds import shown
from openers.api.http.media import FHIR_JSON, accepts_of, is_fhir_json
from openers.api.http.reply import Reply
from openers.api.http.request import Incoming, Request, Scope, Stop
from openers.api.interaction import ActiveCall, Interaction, Loop
from openers.api.operation import ANY, Operation
from openers.api.registry import Endpoint
from openers.api.renderings import ResponseCache
from openers.api.routes import Match, Routes
from openers.files.signed_addresses import SignedAddresses
from openers.settings import Settings
from openers.wire import json, problems
from openers.wire.versions import VERSIONS, version_at

PREFIX: Final = "/referrals/FHIR"


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of the edge. Keys of `interactions`: operation ids, and FHIR versions for unknown addresses."""

    loop: Loop
    settings: Settings
    gateway: Gateway
    routes: Routes
    interactions: Mapping[str, Interaction]
    renderings: ResponseCache
    addresses: SignedAddresses

    def __call__(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one HTTP request."""
        return self.loop.observer.watch(self._run, scope, receive, send)

    def _run(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        request = Request(scope, PREFIX)
        match = self.routes.find(request.path)
        endpoint = None if match is None else match.endpoints.get(request.method)
        interaction = self.interactions[version_at(request.path).name if endpoint is None else endpoint.operation.id]
        return self.loop.run(interaction, request, (receive, send), partial(self._serve, match, endpoint))

    async def _serve(self, match: Match | None, endpoint: Endpoint | None, active: ActiveCall) -> Reply:
        request, world = active.request, active.world
        caller = await open_gate(request, None if endpoint is None else endpoint.operation, self.gateway, world)
        if match is None:
            raise Stop(problems.unknown_path(shown(request.path), self.routes.nearest(request.path)))
        if endpoint is None:
            raise Stop(problems.method_not_allowed(request.method, ", ".join(sorted(match.endpoints))))
        operation = endpoint.operation
        principal = None if operation.roles is None else await in_role(request, caller, operation, world)
        if principal is not None:
            world.entry.by(principal)
        offered = operation.produces
        if offered is not ANY and not accepts_of(request.header(b"accept"), request.scope["query_string"], offered):
            raise Stop(problems.not_acceptable(offered))
        incoming = Incoming(active.receive, self.settings.max_body_bytes, self.settings.body_timeout_s)
        call = Call(
            operation=operation,
            world=world,
            settings=self.settings,
            renderings=self.renderings,
            addresses=self.addresses,
            path=match.values,
            query_string=request.scope["query_string"],
            headers=request.headers,
            caller=principal,
            user=caller.user,
            incoming=incoming,
            body=await _body(request, operation, incoming),
        )
        reply = await self.loop.observer.carry_out(request, call, endpoint.handler)
        active.recorded = bool(world.entry.act)
        return reply


def interactions_of(operations: Iterable[Operation]) -> dict[str, Interaction]:
    """Return how calls of each operation, and of unknown addresses, are recorded and refused."""
    unknown = {
        fhir.name: Interaction(
            audit="API Unknown Request", operation="", dialect=FhirDialect(fhir), generation=fhir.name
        )
        for fhir in VERSIONS
    }
    return unknown | {
        each.id: Interaction(
            audit=each.audit,
            operation=each.id,
            dialect=FhirDialect(each.fhir, each.refusal),
            success=each.success,
            generation=each.fhir.name,
        )
        for each in operations
    }


async def _body(request: Request, operation: Operation, incoming: Incoming) -> json.Json:
    """Return the parsed body of an operation with FHIR JSON; an empty object for other operations. Raises Stop."""
    if operation.request is None:
        return {}
    if not is_fhir_json(request.header(b"content-type")):
        raise Stop(problems.unsupported_media(FHIR_JSON))
    return json.parse(await incoming.whole())
