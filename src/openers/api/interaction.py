"""The loop that runs each call of any kind: FHIR, OAuth 2.0, files, notifications, test control, documents.

A kind of call is declared as an `Interaction`; its handler does the work. The loop provides the world, audit entry,
request id and correlation id. It writes refusals in the dialect of the call and gives unexpected errors an id. It
persists the audit entry before it sends the reply. Source: ADR 0049.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from http import HTTPStatus
from time import perf_counter
from typing import Any, Final, Protocol

import msgspec
import structlog
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from openers.api.exchanges.line import Ended
from openers.api.exchanges.log import ExchangeLog
from openers.api.failures import UNLIMITED, Failures, address_of
from openers.api.http.bounds import LONGEST_CORRELATION_ID, LONGEST_HOST, kept
from openers.api.http.hosts import OwnHosts, check_host
from openers.api.http.media import FHIR_JSON
from openers.api.http.peers import check_certificate
from openers.api.http.reply import Header, Reply, send_reply
from openers.api.http.request import CORRELATION, ClientGone, Request, Stop, WorldOf
from openers.api.observer import UNOBSERVED, Observer
from openers.domain.audit import AuditEntry
from openers.domain.errors import OpenersError, Unavailable
from openers.domain.ids import Ids
from openers.system import RandomIds
from openers.telemetry.metrics import Metrics, RequestMeter
from openers.usecases.world import World
from openers.wire import problems
from openers.wire.dialect import Problem

_BOUNDED: Final = (("X-Correlation-ID", CORRELATION, LONGEST_CORRELATION_ID), ("Host", b"host", LONGEST_HOST))
"""Headers of each call that are stored or sent back, and their maximum length."""
_UNPROVED: Final = frozenset({401, 429})
"""Statuses of refusals that need no authentication, so that many of them share an audit entry."""
CLIENT_GONE: Final = 499
"""Audit outcome of a call whose client disconnected before it had sent its request. It is never sent."""
PATIENT_AS_OF: Final = b"x-openers-patient-as-of"
"""Header that says how old the patient's record is, if it was used because PDS was silent."""
_FHIR_JSON: Final[Header] = (b"content-type", FHIR_JSON.encode())
_log = structlog.get_logger()


class Trace(Enum):
    """The records that a kind of call leaves. Calls in a world's history take their ids from that world."""

    FULL = "each call is audited and observed; its ids come from the world"
    REFUSALS = "refusals are audited; a successful write creates its own entry (test control)"
    OBSERVED = "calls are observed, not audited: public documents and unknown addresses"
    NOTHING = "health and metrics, which are called every few seconds"

    @property
    def is_observed(self) -> bool:
        """Return whether the observer sees the call."""
        return self in (Trace.FULL, Trace.OBSERVED)

    @property
    def audits_refusals(self) -> bool:
        """Return whether a refused call has an audit entry."""
        return self in (Trace.FULL, Trace.REFUSALS)


FULL: Final = Trace.FULL


class Unexpected(Exception):
    """An unexpected failure. `error_id`, the call's request id, finds it in the log."""

    def __init__(self, error_id: str) -> None:
        """Store the id; the reply contains no other detail."""
        super().__init__(error_id)
        self.error_id = error_id


class ActiveCall:
    """One call on its way through the loop: its request, its world and its audit entry."""

    __slots__ = ("receive", "recorded", "request", "world")

    def __init__(self, request: Request, world: World, receive: Any) -> None:
        """Store the call; `world` is bound to the call's audit entry."""
        self.request, self.world, self.receive = request, world, receive
        self.recorded = False
        """Whether the audit entry has already been committed together with the change."""

    @property
    def entry(self) -> AuditEntry:
        """Return the audit entry of the call."""
        return self.world.entry

    def http(self) -> HttpRequest:
        """Return the request for handlers that read cookies and forms. Call it once: the body can be read once."""
        return HttpRequest(self.request.scope, self.receive)


class Dialect(Protocol):
    """How a kind of call writes refusals."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal for `error`: an OpenersError, a Stop, or Unexpected. It never raises."""
        ...


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """A declared kind of call.

    `audit` is the published audit type; `operation` is the name in audit and metrics. `success` is the status of a
    change that commits its audit entry before the reply exists. `own_hosts` serves only requests to a name of this
    service: pages and test control, which foreign web pages must not reach. `for_anybody` lets many refusals share an
    audit entry if the application is unknown. `generation` names the API of calls in the exchange log; other calls are
    not logged there.
    """

    audit: str
    operation: str
    dialect: Dialect
    trace: Trace = FULL
    success: int = 0
    own_hosts: bool = False
    for_anybody: bool = False
    generation: str = ""


Handler = Callable[[ActiveCall], Awaitable[Reply]]
"""Handles a call. Its exceptions are refused in the dialect of the call."""


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """Runs calls. `world` finds the world of a request; `hosts` are the names of this service.

    `failures` limits audit entries of unauthenticated callers. A body outside FHIR may have `most_body_bytes` and take
    `body_within_s` seconds to arrive.

    `exchanges` is the exchange log, if it is on.

    `ids` number calls outside a world's history, so that looking at a seeded world does not use up its ids.
    """

    world: WorldOf
    hosts: OwnHosts = OwnHosts()
    observer: Observer = UNOBSERVED
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    ids: Ids = msgspec.field(default_factory=RandomIds)
    meters: dict[str, RequestMeter] = msgspec.field(default_factory=dict[str, RequestMeter])
    failures: Failures = UNLIMITED
    exchanges: ExchangeLog | None = None
    most_body_bytes: int = 1_000_000
    body_within_s: float = 30.0

    async def run(self, interaction: Interaction, request: Request, channel: tuple[Any, Any], handler: Handler) -> None:
        """Run one call with `handler` and send its reply; `channel` is ASGI's `receive` and `send`."""
        world = self.world(request.scope)
        entry = _entry(interaction, request, world, self.ids)
        call = ActiveCall(request, world.for_call(entry), channel[0])
        log = self.exchanges if interaction.generation else None
        if log is None:
            await self._reply(interaction, call, channel, handler)
            return
        began, in_flight, reply = perf_counter(), log.begin(), None
        try:
            reply = await self._reply(interaction, call, channel, handler)
        finally:
            took_s = perf_counter() - began
            log.end(world, Ended(interaction.generation, request, call.world, reply, took_s, in_flight))

    async def _reply(
        self, interaction: Interaction, call: ActiveCall, channel: tuple[Any, Any], handler: Handler
    ) -> Reply | None:
        """Run a call, send its reply and return it; `None` if the client disconnected before."""
        began = perf_counter()
        try:
            reply = await self._answer(interaction, call, handler)
        except (ClientGone, ClientDisconnect):
            await _note_gone(interaction, call)
            return None
        if interaction.trace is FULL:
            self._meter(interaction.operation).done(reply.status, perf_counter() - began)
        try:
            await send_reply(channel, reply, _own_headers(call.entry, reply), call.request.method)
        finally:
            await reply.close()
        return reply

    async def _answer(self, interaction: Interaction, call: ActiveCall, handler: Handler) -> Reply:
        """Return the reply after its audit entry is durable. Raises ClientGone, ClientDisconnect."""
        try:
            _check_lengths(call.request)
            check_certificate(call.request)
            check_host(call.request, self.hosts if interaction.own_hosts else None)
            return await _witnessed(interaction, call, await handler(call))
        except (ClientGone, ClientDisconnect):
            raise
        except Exception as error:
            return await self._refuse(interaction, call, await _foreseen(error, call))

    async def _refuse(self, interaction: Interaction, call: ActiveCall, error: Exception) -> Reply:
        """Record the refusal and return it as a reply; if the audit fails, return that the service is unavailable."""
        problem, reply = interaction.dialect.refuse(error, call)
        if interaction.trace.audits_refusals and not call.recorded:
            call.entry.outcome, call.entry.code = problem.status, problem.code
            try:
                await self._record_refusal(interaction, call)
            except Exception as failure:
                await _foreseen(failure, call)
                problem, reply = interaction.dialect.refuse(Unavailable("audit"), call)
        if interaction.trace.is_observed:
            causes = (error, error.__cause__)
            cause = next((each for each in causes if isinstance(each, OpenersError)), None)
            self.observer.refused(call.request, call.world, problem, cause)
        return reply

    async def _record_refusal(self, interaction: Interaction, call: ActiveCall) -> None:
        """Persist the audit entry of a refusal; refusals of unauthenticated callers may share one."""
        entry = call.entry
        is_own_fault = entry.outcome < HTTPStatus.INTERNAL_SERVER_ERROR
        is_unknown = interaction.for_anybody and not entry.application and is_own_fault
        if is_unknown or entry.outcome in _UNPROVED:
            await self.failures.record(call.world, address_of(call.request.scope))
        else:
            await call.world.store.record_audit(entry)

    def _meter(self, operation: str) -> RequestMeter:
        meter = self.meters.get(operation)
        if meter is None:
            meter = self.meters[operation] = self.metrics.requests_of(operation or "unknown")
        return meter


async def _witnessed(interaction: Interaction, call: ActiveCall, reply: Reply) -> Reply:
    """Persist the audit entry, unless a change has committed it, and return the reply. Raises store errors."""
    if interaction.trace is FULL and not call.recorded:
        call.entry.outcome = reply.status
        try:
            await call.world.store.record_audit(call.entry)
        except BaseException:
            await reply.close()
            raise
    return reply


async def _foreseen(error: Exception, call: ActiveCall) -> Exception:
    """Return an expected error unchanged; log any other error and return one that names the call."""
    if isinstance(error, OpenersError | Stop):
        return error
    error_id = call.entry.request_id
    await _log.aerror("unexpected failure", error_id=error_id, operation=call.entry.operation, exc_info=error)
    return Unexpected(error_id)


async def _note_gone(interaction: Interaction, call: ActiveCall) -> None:
    """Record a call whose client has disconnected."""
    if interaction.trace.audits_refusals and not call.recorded:
        call.entry.outcome, call.entry.code = CLIENT_GONE, "CLIENT_GONE"
        try:
            await call.world.store.record_audit(call.entry)
        except Exception as failure:
            await _foreseen(failure, call)


def _entry(interaction: Interaction, request: Request, world: World, ids: Ids) -> AuditEntry:
    """Return the call's audit entry as far as it is known before authentication."""
    source = world.ids if interaction.trace is FULL else ids
    return AuditEntry(
        event_type=request.method,
        audit_type=interaction.audit,
        at=world.wall.now(),
        operation=interaction.operation,
        request_id=f"{source.uuid()}-1",
        correlation_id=kept(request.header(CORRELATION), LONGEST_CORRELATION_ID),
        fqdn=kept(request.header(b"host"), LONGEST_HOST),
        outcome=interaction.success,
    )


def _check_lengths(request: Request) -> None:
    """Refuse headers that are too long to store or send back. Raises Stop."""
    for name, header, longest in _BOUNDED:
        value = request.headers.get(header, b"")
        if len(value) > longest and len(request.header(header)) > longest:
            length = f"{len(request.header(header))} characters"
            raise Stop(problems.bad_header(name, length, f"must have at most {longest}."))


def _own_headers(entry: AuditEntry, reply: Reply) -> tuple[Header, ...]:
    """Return the id headers of a call, and the default media type if the reply names none."""
    headers: list[Header] = [(b"x-request-id", entry.request_id.encode())]
    if entry.correlation_id:
        headers.append((b"x-correlation-id", entry.correlation_id.encode("latin-1")))
    if entry.patient_as_of is not None:
        headers.append((PATIENT_AS_OF, f"{entry.patient_as_of:%Y-%m-%dT%H:%M:%SZ}".encode()))
    if reply.body and b"content-type" not in dict(reply.headers):
        headers.append(_FHIR_JSON)
    return tuple(headers)
