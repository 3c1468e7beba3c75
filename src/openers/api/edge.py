"""The FHIR edge: a bare ASGI application that takes every call below the FHIR base through the same steps.

Who are you (gateway), what do you want (routes), may this role (gateway), can it be read (media, body), do it
(operation), record it (audit), answer. Whatever goes wrong leaves as the error shape of the caller's FHIR version.
Every call leaves one audit entry: an act's commits with the act, those of reads and refusals before the reply.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final

import msgspec
import structlog

from openers.api.call import Call, Content, Header, Reply
from openers.api.gateway import Gateway, in_role, open_gate
from openers.api.media import FHIR_JSON, accepts_of, is_fhir_json
from openers.api.observer import WATCHED, Observer
from openers.api.registry import ANY, Operation
from openers.api.renderings import Renderings
from openers.api.request import CORRELATION, ClientGone, Incoming, Request, Scope, Stop, WorldOf
from openers.api.routes import Match, Routes
from openers.documents.signed_addresses import SignedAddresses
from openers.domain.audit import AuditEntry
from openers.domain.errors import OpenersError, Unavailable
from openers.settings import Settings
from openers.telemetry.metrics import RequestMeter
from openers.usecases.world import World
from openers.wire import json, problems
from openers.wire.outcome import Problem, outcome_of, write_outcome

PREFIX: Final = "/referrals/FHIR"
_FHIR_JSON: Final = FHIR_JSON.encode()
_log = structlog.get_logger()


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """What the edge works with. `world` finds the one that a request is for; `meters` are by operation id.

    `observer` is for tests alone, and nobody in production.
    """

    world: WorldOf
    settings: Settings
    gateway: Gateway
    routes: Routes
    meters: dict[str, RequestMeter]
    renderings: Renderings
    addresses: SignedAddresses
    observer: Observer | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Serve one HTTP request."""
        if self.observer is not None and WATCHED not in scope:
            return await self.observer.watch(self, scope, receive, send)
        began = perf_counter()
        request = Request(scope, PREFIX)
        match = self.routes.find(request.path)
        operation = None if match is None else match.operations.get(request.method)
        world = self.world(scope)
        entry = _entry(request, operation, world)
        try:
            reply = await self._answer(request, match, world.for_call(entry), receive)
        except ClientGone:
            return None
        self.meters[entry.operation].done(reply.status, perf_counter() - began)
        try:
            return await _send(send, reply, request, entry)
        finally:
            await reply.close()

    async def _answer(self, request: Request, match: Match | None, world: World, receive: Any) -> Reply:
        """The reply, its audit entry durable. Raises ClientGone."""
        try:
            return await _witnessed(await self._serve(request, match, world, receive), world)
        except Stop as stop:
            return await self._refuse(request, world, stop.problem)
        except OpenersError as error:
            problem = outcome_of(error, request.fhir, _refusal(match, request))
            return await self._refuse(request, world, problem, error)
        except ClientGone:
            raise
        except Exception:
            error_id = str(world.ids.uuid())
            await _log.aexception("unexpected failure", error_id=error_id, operation=world.entry.operation)
            return await self._refuse(request, world, problems.unexpected(request.fhir, error_id))

    async def _serve(self, request: Request, match: Match | None, world: World, receive: Any) -> Reply:
        operation = None if match is None else match.operations.get(request.method)
        caller = await open_gate(request, operation, self.gateway, world)
        if match is None:
            raise Stop(problems.unknown_path(request.fhir, request.path, self.routes.nearest(request.path)))
        if operation is None:
            raise Stop(problems.method_not_allowed(request.fhir, request.method, ", ".join(sorted(match.operations))))
        principal = None if operation.roles is None else await in_role(request, caller, operation, world)
        if principal is not None:
            world.entry.by(principal)
        offered = operation.produces
        if offered is not ANY and not accepts_of(request.header(b"accept"), request.scope["query_string"], offered):
            raise Stop(problems.not_acceptable(request.fhir, offered))
        incoming = Incoming(receive, request.fhir, self.settings.max_body_bytes, self.settings.body_timeout_s)
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
        if self.observer is not None:
            return await self.observer.carry_out(request, call)
        return await operation.handler(call)

    async def _refuse(
        self, request: Request, world: World, problem: Problem, error: OpenersError | None = None
    ) -> Reply:
        """The refusal as a reply, recorded; if even that fails, the service is unavailable. `error` is its cause."""
        if self.observer is not None:
            self.observer.refused(request, world, problem, error)
        entry = world.entry
        entry.outcome, entry.code = problem.status, problem.code
        try:
            await world.store.witness(entry)
        except Unavailable as error:
            problem = outcome_of(error, request.fhir)
        headers: list[Header] = []
        if problem.media_type:
            headers.append((b"content-type", problem.media_type.encode()))
        if problem.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % problem.retry_after_s))
        if problem.allow:
            headers.append((b"allow", problem.allow.encode()))
        if problem.status == 408:  # or the rest could go on arriving, a byte now and then
            headers.append((b"connection", b"close"))
        if problem.status == 401:
            headers.append((b"www-authenticate", b'Bearer realm="OpenERS", error="invalid_token"'))
        return Reply(problem.status, write_outcome(problem, request.fhir, world.clock.now()), tuple(headers))


async def _witnessed(reply: Reply, world: World) -> Reply:
    """The reply, its entry durable; an act's entry has committed with it. Raises Unavailable."""
    if not world.entry.act:
        try:
            await world.store.witness(world.entry)
        except BaseException:
            await reply.close()
            raise
    return reply


async def _body(request: Request, operation: Operation, incoming: Incoming) -> json.Json:
    """The parsed body of an operation that takes FHIR JSON."""
    if operation.request is None:
        return {}
    if not is_fhir_json(request.header(b"content-type")):
        raise Stop(problems.unsupported_media(request.fhir, FHIR_JSON))
    return json.parse(await incoming.whole())


def _refusal(match: Match | None, request: Request) -> int:
    """The status of a field that breaks a rule, at this address."""
    operation = None if match is None else match.operations.get(request.method)
    return 422 if operation is None else operation.refusal


def _entry(request: Request, operation: Operation | None, world: World) -> AuditEntry:
    """The call's audit entry, as far as it is known before anybody is asked."""
    return AuditEntry(
        event_type=request.method,
        audit_type="API Unknown Request" if operation is None else operation.audit,
        at=world.wall.now(),
        operation="" if operation is None else operation.id,
        request_id=f"{world.ids.uuid()}-1",
        correlation_id=request.header(CORRELATION),
        fqdn=request.header(b"host"),
        outcome=0 if operation is None else operation.success,
    )


async def _send(send: Any, reply: Reply, request: Request, entry: AuditEntry) -> None:
    headers: list[Header] = [(b"x-request-id", entry.request_id.encode()), *reply.headers]
    correlation = request.headers.get(CORRELATION)
    if correlation is not None:
        headers.append((b"x-correlation-id", correlation))
    body = reply.body
    size = body.size if isinstance(body, Content) else len(body)
    if size and all(name != b"content-type" for name, _ in reply.headers):
        headers.append((b"content-type", _FHIR_JSON))
    headers.append((b"content-length", b"%d" % size))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if isinstance(body, Content):
        async for chunk in body.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        body = b""
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})
