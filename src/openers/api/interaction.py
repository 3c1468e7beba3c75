"""The one loop that runs a call of every kind: FHIR, OAuth 2.0, files, notifications, test control, documents.

A kind of call is declared as an `Interaction`; what it does is a handler. The loop gives each call its world, its audit
entry, a request id, the caller's correlation id, a refusal in the dialect of its kind, an id for what nobody foresaw,
and makes the entry durable before the reply. Source: ADR 0049.
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

from openers.api.failures import UNLIMITED, Failures, address_of
from openers.api.http.bounds import LONGEST_CORRELATION_ID, LONGEST_HOST, kept
from openers.api.http.hosts import OwnHosts, check_host
from openers.api.http.media import FHIR_JSON
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
"""Headers of every call that are stored or sent back, and their greatest length."""
_UNPROVED: Final = frozenset({401, 429})
"""Statuses of refusals for which a caller need prove nothing, so that many of them share an audit entry."""
CLIENT_GONE: Final = 499
"""The outcome, in the audit, of a call whose client went away before it had sent its request. Nobody receives it."""
_FHIR_JSON: Final[Header] = (b"content-type", FHIR_JSON.encode())
_log = structlog.get_logger()


class Trace(Enum):
    """What a kind of call leaves behind. Calls that are part of a world's history draw their ids from that world."""

    FULL = "each call is audited and observed; its ids are the world's"
    REFUSALS = "refusals are audited; what a successful call writes has an entry of its own (test control)"
    OBSERVED = "calls are observed, not audited: documents for everybody, and addresses that do not exist"
    NOTHING = "health and metrics, which are asked every few seconds"

    @property
    def is_observed(self) -> bool:
        """Whether the observer sees the call."""
        return self in (Trace.FULL, Trace.OBSERVED)

    @property
    def audits_refusals(self) -> bool:
        """Whether a refused call has an audit entry."""
        return self in (Trace.FULL, Trace.REFUSALS)


FULL: Final = Trace.FULL


class Unexpected(Exception):
    """Something failed that should not. `error_id`, the call's request id, finds it in the log."""

    def __init__(self, error_id: str) -> None:
        """Tells nothing else."""
        super().__init__(error_id)
        self.error_id = error_id


class ActiveCall:
    """One call on its way through the loop: what was asked, in which world, and what the audit will say of it."""

    __slots__ = ("receive", "recorded", "request", "world")

    def __init__(self, request: Request, world: World, receive: Any) -> None:
        """`world` is bound to the call's audit entry."""
        self.request, self.world, self.receive = request, world, receive
        self.recorded = False
        """Whether the audit entry is durable already, with an act."""

    @property
    def entry(self) -> AuditEntry:
        """Its audit entry."""
        return self.world.entry

    def http(self) -> HttpRequest:
        """The request for handlers that read cookies and forms. The body is read once: ask for it once."""
        return HttpRequest(self.request.scope, self.receive)


class Dialect(Protocol):
    """How a kind of call tells what went wrong."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """The refusal for `error`: an OpenersError, a Stop, or Unexpected. Total: it raises nothing."""
        ...


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of call, declared.

    `audit` is the published audit type, `operation` the name in audit and metrics, `success` the status of an act that
    commits its entry before there is a reply. `own_hosts`: only for requests to a name of this service (pages and
    test control, which a page elsewhere must not reach by a name that it controls). `for_anybody`: whoever is refused
    before an application is known has proved nothing, so that many such refusals share an audit entry.
    """

    audit: str
    operation: str
    dialect: Dialect
    trace: Trace = FULL
    success: int = 0
    own_hosts: bool = False
    for_anybody: bool = False


Handler = Callable[[ActiveCall], Awaitable[Reply]]
"""Carries a call out. What it raises is refused in the dialect of its kind."""


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """Runs calls. `world` finds the one that a request is for; `hosts` are the names of this service.

    `failures` limits what callers who prove nothing leave in the audit. A body that is not FHIR may have
    `most_body_bytes` and take `body_within_s` seconds to arrive.

    `ids` number calls that are not part of a world's history, so that looking at a seeded world leaves its ids alone.
    """

    world: WorldOf
    hosts: OwnHosts = OwnHosts()
    observer: Observer = UNOBSERVED
    metrics: Metrics = msgspec.field(default_factory=Metrics)
    ids: Ids = msgspec.field(default_factory=RandomIds)
    meters: dict[str, RequestMeter] = msgspec.field(default_factory=dict[str, RequestMeter])
    failures: Failures = UNLIMITED
    most_body_bytes: int = 1_000_000
    body_within_s: float = 30.0

    async def run(self, interaction: Interaction, request: Request, channel: tuple[Any, Any], handler: Handler) -> None:
        """Carry one call out by `handler` and send its reply; `channel` is ASGI's `receive` and `send`."""
        began = perf_counter()
        world = self.world(request.scope)
        entry = _entry(interaction, request, world, self.ids)
        call = ActiveCall(request, world.for_call(entry), channel[0])
        try:
            reply = await self._answer(interaction, call, handler)
        except (ClientGone, ClientDisconnect):
            return await _note_gone(interaction, call)
        if interaction.trace is FULL:
            self._meter(interaction.operation).done(reply.status, perf_counter() - began)
        try:
            await send_reply(channel, reply, _own_headers(entry, reply), request.method)
        finally:
            await reply.close()

    async def _answer(self, interaction: Interaction, call: ActiveCall, handler: Handler) -> Reply:
        """The reply, its audit entry durable. Raises ClientGone, ClientDisconnect."""
        try:
            _check_lengths(call.request)
            check_host(call.request, self.hosts if interaction.own_hosts else None)
            return await _witnessed(interaction, call, await handler(call))
        except (ClientGone, ClientDisconnect):
            raise
        except Exception as error:
            return await self._refuse(interaction, call, await _foreseen(error, call))

    async def _refuse(self, interaction: Interaction, call: ActiveCall, error: Exception) -> Reply:
        """The refusal as a reply, recorded; if even that fails, the service is unavailable."""
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
        """Make the audit entry of a refusal durable; many of callers who prove nothing are counted in one."""
        entry = call.entry
        is_own_fault = entry.outcome < HTTPStatus.INTERNAL_SERVER_ERROR
        is_unknown = interaction.for_anybody and not entry.application and is_own_fault
        if is_unknown or entry.outcome in _UNPROVED:
            await self.failures.record(call.world, address_of(call.request.scope))
        else:
            await call.world.store.witness(entry)

    def _meter(self, operation: str) -> RequestMeter:
        meter = self.meters.get(operation)
        if meter is None:
            meter = self.meters[operation] = self.metrics.requests_of(operation or "unknown")
        return meter


async def _witnessed(interaction: Interaction, call: ActiveCall, reply: Reply) -> Reply:
    """The reply, its entry durable; an act's entry has committed with it. Raises what the store raises."""
    if interaction.trace is FULL and not call.recorded:
        call.entry.outcome = reply.status
        try:
            await call.world.store.witness(call.entry)
        except BaseException:
            await reply.close()
            raise
    return reply


async def _foreseen(error: Exception, call: ActiveCall) -> Exception:
    """The error, if it is one of ours; else one that names the call, while the log has all of it."""
    if isinstance(error, OpenersError | Stop):
        return error
    error_id = call.entry.request_id
    await _log.aerror("unexpected failure", error_id=error_id, operation=call.entry.operation, exc_info=error)
    return Unexpected(error_id)


async def _note_gone(interaction: Interaction, call: ActiveCall) -> None:
    """Record a call that nobody waits for any more."""
    if interaction.trace.audits_refusals and not call.recorded:
        call.entry.outcome, call.entry.code = CLIENT_GONE, "CLIENT_GONE"
        try:
            await call.world.store.witness(call.entry)
        except Exception as failure:
            await _foreseen(failure, call)


def _entry(interaction: Interaction, request: Request, world: World, ids: Ids) -> AuditEntry:
    """The call's audit entry, as far as it is known before anybody is asked."""
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
    """Refuse what would be stored or sent back if it were shorter. Raises Stop."""
    for name, header, longest in _BOUNDED:
        value = request.headers.get(header, b"")
        if len(value) > longest and len(request.header(header)) > longest:
            length = f"{len(request.header(header))} characters"
            raise Stop(problems.bad_header(name, length, f"must have at most {longest}."))


def _own_headers(entry: AuditEntry, reply: Reply) -> tuple[Header, ...]:
    """The ids of a call, for its reply, and the media type of a body that does not name its own."""
    headers: list[Header] = [(b"x-request-id", entry.request_id.encode())]
    if entry.correlation_id:
        headers.append((b"x-correlation-id", entry.correlation_id.encode("latin-1")))
    if reply.body and b"content-type" not in dict(reply.headers):
        headers.append(_FHIR_JSON)
    return tuple(headers)
