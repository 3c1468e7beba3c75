"""`POST /pas/notifications`: a Patient Administration System (PAS) reports a change, authenticated as an application.

The status tells the PAS whether to retry: 2xx means processed, 4xx means never retry, 503 means retry later. Source:
docs/reference/pas-contract.md.
"""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.routing import Route

from openers.api.addresses import Declared, route
from openers.api.dialects import FhirDialect
from openers.api.gateway import Gateway, caller_of
from openers.api.http.reply import Reply
from openers.api.http.request import Stop
from openers.api.interaction import ActiveCall, Interaction, Loop
from openers.domain.callers import Pas
from openers.domain.errors import Clash, Unavailable
from openers.identity.access import TokenHolder
from openers.pas.fhir import Unreadable, read_notification
from openers.usecases.booking.take_notification import Notification, take_notification
from openers.wire import problems
from openers.wire.dialect import Problem
from openers.wire.r4.dialect import R4

LONGEST_BODY = 100_000


class NotificationDialect(FhirDialect, frozen=True):
    """OperationOutcomes for a PAS. If another caller is changing the record, the PAS must retry."""

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal; a conflict becomes 503, which says when to retry."""
        return super().refuse(Unavailable(type(error).__name__) if isinstance(error, Clash) else error, call)


PATH: Final = "/pas/notifications"
NOTIFICATION: Final = Interaction(
    audit="API PAS Notification", operation=PATH, dialect=NotificationDialect(R4), success=200
)


def notification_routes(loop: Loop, gateway: Gateway) -> list[Route]:
    """Return the route of `/pas/notifications`."""

    async def _take(call: ActiveCall) -> Reply:
        caller = await _application(call, gateway)
        call.entry.application, call.entry.user = caller.application.client_id, caller.application.client_id
        changed = await take_notification(await _read(call, caller), call.world)
        call.recorded = True
        return Reply(200, msgspec.json.encode({"changed": changed}), ((b"content-type", b"application/json"),))

    return [route(loop, PATH, {"POST": Declared(NOTIFICATION, _take)})]


async def _application(call: ActiveCall, gateway: Gateway) -> TokenHolder:
    """Return the calling application. Raises Stop."""
    caller = await caller_of(call.request, gateway, call.world)
    if caller.user is not None:
        raise Stop(problems.invalid_token())
    return caller


async def _read(call: ActiveCall, caller: TokenHolder) -> Notification:
    """Return the parsed notification. Raises Stop."""
    body = b""
    async for chunk in call.http().stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise _unreadable(f"is longer than {LONGEST_BODY} bytes")
    try:
        ubrn, appointment = read_notification(body)
    except Unreadable as error:
        raise _unreadable(str(error)) from error
    return Notification(by=Pas(caller.application.client_id), ubrn=ubrn, appointment=appointment)


def _unreadable(why: str) -> Stop:
    return Stop(problems.bad_header("body", "Appointment", why))
