"""The observer of test mode at the edge: it records each call for the inspector and applies faults of the API.

`openers.worlds.mode` creates one for the service. It passes each call to the recorder before the last byte of the reply
is sent. So a client with the reply finds the exchange, and no client waits for recording.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import perf_counter
from typing import Any, Final

import msgspec
import structlog

from openers.api.call import Call, Handler, Reply
from openers.api.gateway import Gateway
from openers.api.http.request import INJECTED, ClientGone, Request, Scope, Stop
from openers.api.observer import WATCHED, Serve
from openers.domain.errors import OpenersError
from openers.identity.errors import InvalidToken
from openers.usecases.world import World
from openers.wire import problems
from openers.wire.dialect import Problem
from openers.wire.rules import Check, Rule
from openers.worlds.faults.board import Fault, FaultBoard, FaultKind, Place
from openers.worlds.recording.affected_services import services_of
from openers.worlds.recording.connection import abort_of
from openers.worlds.recording.recorder import Recorder
from openers.worlds.recording.watched import Watched, caller_of
from openers.worlds.recording.world_resolver import WorldResolver

EXPLAINED: Final = range(400, 500)
"""Statuses of replies with a link to their explanation."""
EXPLAIN: Final = "/_test/explain"
ORDERED: Final = Rule(Check.SERVICE, "ORDERED_FAULT", "/_test/faults")
"""The rule of a refusal that an injected fault causes."""

_log = structlog.get_logger()


class CallRecorder:
    """The observer of a service, with its recorder and the faults of its worlds."""

    def __init__(self, recorder: Recorder, faults: FaultBoard, gateway: Gateway, finder: WorldResolver) -> None:
        """Store the parts; `gateway` identifies callers, `finder` names the world under which a call is recorded."""
        self.recorder, self.faults = recorder, faults
        self.gateway: Final = gateway
        self._finder = finder

    async def watch(self, serve: Serve, scope: Scope, receive: Any, send: Any) -> None:
        """Run `serve` for the request and record the exchange."""
        world = self._finder.world(scope)
        root = world.root
        watched = Watched(
            scope=scope,
            receive=receive,
            world_name=self._finder.name(scope),
            at=world.wall.now(),
            began=perf_counter(),
        )

        async def _receive() -> Any:
            message = await receive()
            watched.heard(message)
            return message

        async def _send(message: Any) -> None:
            watched.said(message)
            if message["type"] == "http.response.start" and message["status"] in EXPLAINED:
                link = f'<{root}{EXPLAIN}/{watched.request_id}>; rel="help"'.encode()
                message = {**message, "headers": [*message["headers"], (b"link", link)]}
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._keep(watched)
            await send(message)

        try:
            await serve({**scope, WATCHED: watched}, _receive, _send)
        finally:
            self._keep(watched)
        if watched.dropped and abort_of(scope) is None:
            raise ConnectionAbortedError("an injected fault dropped the connection")

    async def carry_out(self, request: Request, call: Call, handler: Handler) -> Reply:
        """Run the operation, or apply the fault that hits it."""
        watched: Watched = request.scope[WATCHED]
        watched.world = call.world
        fault = await self._striking(watched.world_name, call)
        if fault is None:
            return await handler(call)
        watched.fault = request.scope[INJECTED] = fault.kind
        await asyncio.sleep(fault.waits_s)
        if fault.kind is FaultKind.LATENCY:
            return await handler(call)
        if fault.after:
            await (await handler(call)).close()
        if fault.kind is FaultKind.DROP:
            await _drop(watched)
        raise Stop(_problem(fault, call))

    def refused(self, request: Request, world: World, problem: Problem, error: OpenersError | None) -> None:
        """Record why the call was refused."""
        watched: Watched = request.scope[WATCHED]
        watched.world, watched.problem = world, problem
        if isinstance(error, InvalidToken):
            watched.token_fault = error.fault
        else:
            watched.error = error

    async def _striking(self, world: str, call: Call) -> Fault | None:
        faults = self.faults.of(world)
        services = await services_of(call) if faults.ask_services(Place.API) else frozenset[str]()
        return faults.strike(Place.API, call.operation.id, services)

    def _keep(self, watched: Watched) -> None:
        """Pass the call to the recorder, once. Errors in recording do not affect the call."""
        if watched.is_kept:
            return
        watched.is_kept = True
        try:
            watched.took = timedelta(seconds=perf_counter() - watched.began)
            watched.caller, watched.token_fault = caller_of(watched, self.gateway)
            self.recorder.take(watched)
        except Exception as error:
            _log.error("a call could not be recorded", error=type(error).__name__)


async def _drop(watched: Watched) -> None:
    """Close the connection without a reply. Raises ClientGone when it is closed."""
    watched.dropped = True
    abort = abort_of(watched.scope)
    if abort is not None:
        abort()
        while (await watched.receive())["type"] != "http.disconnect":
            pass
    raise ClientGone


def _problem(fault: Fault, call: Call) -> Problem:
    """Return the refusal of a fault, equal to that of the service itself."""
    match fault.kind:
        case FaultKind.TOO_MANY_REQUESTS:
            problem = problems.too_many_requests(fault.retry_after_s)
        case FaultKind.UNAVAILABLE:
            problem = problems.unavailable(fault.retry_after_s)
        case _:
            problem = problems.unexpected(call.world.entry.request_id)
    return msgspec.structs.replace(problem, rule=ORDERED)
