"""`POST /pas/notifications`: what a Patient Administration System tells of its own accord, as an application.

Each reply tells the PAS whether to come again: 2xx taken, 4xx never, 503 later. Source: docs/reference/pas-contract.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from openers.api.failures import Failures, address_of
from openers.api.media import FHIR_JSON
from openers.api.request import Stop, WorldOf
from openers.domain.audit import AuditEntry
from openers.domain.clock import Clock
from openers.domain.errors import Clash, OpenersError, Unavailable
from openers.identity.access import AccessCache, Caller, open_bearer
from openers.identity.errors import InvalidToken
from openers.pas.fhir import Unreadable, read_notification
from openers.usecases.take_notification import Notification, take_notification
from openers.usecases.world import World
from openers.wire import problems
from openers.wire.outcome import Fhir, Problem, outcome_of, write_outcome

LONGEST_BODY = 100_000


class NotificationDeps(msgspec.Struct, frozen=True):
    """What the endpoint works with."""

    world: WorldOf
    wall: Clock
    access: AccessCache
    failures: Failures = msgspec.field(default_factory=lambda: Failures(0, monotonic))


def notification_routes(deps: NotificationDeps) -> list[Route]:
    """`/pas/notifications`."""

    async def _serve(request: Request) -> Response:
        return await _notified(request, deps)

    return [Route("/pas/notifications", _serve, methods=["POST"])]


async def _notified(request: Request, deps: NotificationDeps) -> Response:
    entry = AuditEntry(
        event_type="POST",
        audit_type="API PAS Notification",
        at=deps.wall.now(),
        operation="/pas/notifications",
        request_id=str(uuid4()),
        outcome=200,
    )
    world = deps.world(request.scope).for_call(entry)
    try:
        caller = await _caller(request, world, deps.access)
        entry.application, entry.user = caller.application.client_id, caller.application.client_id
        changed = await take_notification(await _read(request, caller), world)
    except InvalidToken as error:
        address = address_of(request.scope)
        wait_s = 0 if error.expired else deps.failures.failed(address)
        problem = problems.too_many_requests(Fhir.R4, wait_s) if wait_s else problems.invalid_token(Fhir.R4)
        return await _refused(world, problem, lambda: deps.failures.record(world, address))
    except Stop as stop:
        return await _refused(world, stop.problem)
    except Unreadable as error:
        return await _refused(world, problems.bad_header(Fhir.R4, "body", "Appointment", str(error)))
    except Clash as error:
        return await _refused(world, outcome_of(Unavailable(type(error).__name__), Fhir.R4))
    except OpenersError as error:
        return await _refused(world, outcome_of(error, Fhir.R4))
    return Response(msgspec.json.encode({"changed": changed}), media_type="application/json")


async def _caller(request: Request, world: World, access: AccessCache) -> Caller:
    """The application that calls. Raises InvalidToken."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidToken
    caller = await open_bearer(token, world, access)
    if caller.user is not None:
        raise InvalidToken
    return caller


async def _read(request: Request, caller: Caller) -> Notification:
    """What is told. Raises Unreadable."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Unreadable(f"is longer than {LONGEST_BODY} bytes")
    ubrn, appointment = read_notification(body)
    return Notification(client_id=caller.application.client_id, ubrn=ubrn, appointment=appointment)


async def _refused(world: World, problem: Problem, record: Callable[[], Awaitable[None]] | None = None) -> Response:
    entry = world.entry
    entry.outcome, entry.code = problem.status, problem.code
    await (world.store.witness(entry) if record is None else record())
    headers = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
    body = write_outcome(problem, Fhir.R4, world.clock.now())
    return Response(body, problem.status, headers, media_type=FHIR_JSON)
