"""The edge of the API of 2018: an ASGI application for every call below /ers-api.

Steps: the registered endpoint and the session of the call (gate), its operation and role, its body, the operation. The
loop adds audit, ids, refusals and the reply, as for today's API.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from openers.api.call import Call, Handler
from openers.api.dialects import FhirDialect
from openers.api.http.bounds import shown
from openers.api.http.reply import Header, Reply
from openers.api.http.request import Incoming, Request, Scope, Stop
from openers.api.interaction import ActiveCall, Dialect, Interaction, Loop
from openers.api.legacy.catalogue import Generation
from openers.api.legacy.dialects import LegacyDialect, SessionDialect, dressed
from openers.api.legacy.gate import LegacyGate, principal_of, session_key
from openers.api.legacy.headers import as_today
from openers.api.legacy.registry import SESSIONS, STU3_V1, LegacyOperation, SessionContext
from openers.api.registry import Endpoint
from openers.api.renderings import ResponseCache
from openers.api.routes import Match, Routes
from openers.domain.directory import User
from openers.domain.endpoints.endpoint import Endpoint as Registered
from openers.domain.principal import Principal
from openers.domain.sessions.professional import SessionRefused
from openers.files.signed_addresses import SignedAddresses
from openers.settings import Settings
from openers.wire import json, problems
from openers.wire.dstu2.dialect import DSTU2
from openers.wire.stu3.dialect import STU3

PREFIX: Final = "/ers-api"
_INLINE: Final[Header] = (b"content-disposition", b"inline;filename=f.txt")


class LegacyEdge(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of the edge. `interactions` are by the key of an operation, `renderings` by generation."""

    loop: Loop
    settings: Settings
    gate: LegacyGate
    routes: Routes
    interactions: Mapping[str, Interaction]
    renderings: Mapping[Generation, ResponseCache]
    addresses: SignedAddresses

    def __call__(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        """Serve one HTTP request."""
        return self.loop.observer.watch(self._run, scope, receive, send)

    def _run(self, scope: Scope, receive: Any, send: Any) -> Awaitable[None]:
        request = Request(scope, PREFIX)
        match = self.routes.find(request.path)
        endpoint = None if match is None else match.endpoints.get(request.method)
        operation = None if endpoint is None else _legacy(endpoint)
        key = (STU3_V1 if request.path.startswith(STU3_V1) else "") if operation is None else operation.key
        return self.loop.run(self.interactions[key], request, (receive, send), partial(self._serve, match, endpoint))

    async def _serve(self, match: Match | None, endpoint: Endpoint | None, active: ActiveCall) -> Reply:
        request, world = active.request, active.world
        operation = None if endpoint is None else _legacy(endpoint)
        world.entry.resource_type = "" if operation is None else operation.resource
        registered = await self.gate.endpoint(request, operation, world)
        if match is None:
            raise Stop(problems.unknown_path(shown(request.path), self.routes.nearest(request.path)))
        if endpoint is None or operation is None:
            raise Stop(problems.method_not_allowed(request.method, ", ".join(sorted(match.endpoints))))
        if operation.generation is Generation.SESSION:
            reply = await self._of_session(operation, registered, match, active)
        else:
            reply = await self._of_operation(endpoint, registered, match, active)
        active.recorded = bool(world.entry.act)
        return dressed(reply, operation.entry, active)

    async def _of_session(
        self, operation: LegacyOperation, registered: Registered, match: Match, active: ActiveCall
    ) -> Reply:
        """Begin, complete or end a session. Raises Stop."""
        request = active.request
        key = session_key(request) if match.values else ""
        context = SessionContext(registered.asid, key, self.gate.rules)
        handler: Handler = partial(SESSIONS[operation.id], context)
        try:
            call = self._call(operation, match, active, (None, None))
            return await self.loop.observer.carry_out(request, call, handler)
        except SessionRefused as refused:
            raise self.gate.refused(refused, request) from refused

    async def _of_operation(
        self, endpoint: Endpoint, registered: Registered, match: Match, active: ActiveCall
    ) -> Reply:
        """Run a FHIR operation in the role of the session. Raises Stop and the errors of the operation."""
        request, world, operation = active.request, active.world, _legacy(endpoint)
        opened = await self.gate.session(request, registered, world)
        world.entry.user, world.entry.session = opened.user.id, opened.session.id
        principal = principal_of(opened, registered, operation, self.gate.gateway.allowed)
        world.entry.by(principal)
        call = self._call(operation, match, active, (principal, opened.user))
        if operation.request is not None:
            call = msgspec.structs.replace(call, body=json.parse(await call.incoming.whole()))
        reply = await self.loop.observer.carry_out(request, call, endpoint.handler)
        return _typed(reply, operation)

    def _call(
        self,
        operation: LegacyOperation,
        match: Match,
        active: ActiveCall,
        caller: tuple[Principal | None, User | None],
    ) -> Call:
        most_bytes = operation.most_body_bytes or self.settings.max_body_bytes
        request = active.request
        return Call(
            operation=operation,
            world=active.world,
            settings=self.settings,
            renderings=self.renderings[operation.generation],
            addresses=self.addresses,
            path=match.values,
            query_string=request.scope["query_string"],
            headers=as_today(request.headers),
            body={},
            incoming=Incoming(active.receive, most_bytes, self.settings.body_timeout_s),
            caller=caller[0],
            user=caller[1],
            based_at=f"{active.world.base_url}{PREFIX}/v1",
        )


def legacy_interactions(endpoints: Iterable[Endpoint]) -> dict[str, Interaction]:
    """Return how calls of each operation, and of unknown addresses, are recorded and refused."""
    unknown = {"": (DSTU2, Generation.DSTU2), STU3_V1: (STU3, Generation.STU3_V1)}
    return {
        key: Interaction(
            audit="API Unknown Request",
            operation="",
            dialect=LegacyDialect(FhirDialect(fhir)),
            generation=generation,
        )
        for key, (fhir, generation) in unknown.items()
    } | {operation.key: _interaction(operation) for operation in map(_legacy, endpoints)}


def _interaction(operation: LegacyOperation) -> Interaction:
    dialect: Dialect
    if operation.generation is Generation.SESSION:
        dialect = SessionDialect(operation.entry)
    else:
        dialect = LegacyDialect(FhirDialect(operation.fhir), operation.entry)
    return Interaction(
        audit=operation.audit,
        operation=operation.id,
        dialect=dialect,
        success=operation.success,
        for_anybody=True,
        generation=operation.generation,
    )


def _legacy(endpoint: Endpoint) -> LegacyOperation:
    operation = endpoint.operation
    if not isinstance(operation, LegacyOperation):
        raise TypeError(f"{operation.id} is not an operation of the API of 2018")
    return operation


def _typed(reply: Reply, operation: LegacyOperation) -> Reply:
    """Return a reply with the media type of its FHIR version, and as a file to show where a change returns JSON."""
    if not reply.body or b"content-type" in dict(reply.headers):
        return reply
    media_type: Header = (b"content-type", operation.fhir.media_type.encode())
    shows = operation.generation is Generation.STU3_V1 and operation.method != "GET"
    return reply.with_headers(media_type, *((_INLINE,) if shows else ()))
