"""The gateway of the API of 2018: each call is of a registered endpoint, and most are in a session.

Source: ADR 0072; the checks of endpoints are in `openers.domain.endpoints.checks`.
"""

from __future__ import annotations

import msgspec

from openers.api.failures import address_of
from openers.api.gateway import Gateway
from openers.api.http.peers import presented
from openers.api.http.request import Request, Stop
from openers.api.legacy.headers import ASID, FQDN, SESSION_KEY, optional, required
from openers.api.legacy.registry import LegacyOperation
from openers.domain.endpoints.checks import EndpointCall, EndpointCheck, check_endpoint
from openers.domain.endpoints.endpoint import Endpoint
from openers.domain.principal import Principal
from openers.domain.sessions.professional import SessionFault, SessionRefused, SessionRules
from openers.identity.professional.sessions import OpenSession, use_session
from openers.usecases.world import World
from openers.wire import problems
from openers.wire.session_v1.problems import session_problem

_ROLE = "the role of the session"
_GUESSED_CHECKS = frozenset({EndpointCheck.ASID, EndpointCheck.HOST_NAME})
_GUESSED = frozenset({SessionFault.TOKEN_NOT_VALID, SessionFault.SESSION_NOT_FOUND})
"""Faults of callers that may be guessing, whose number is limited."""


class LegacyGate(msgspec.Struct, frozen=True):
    """The dependencies of the checks.

    `rules` are those of sessions. If they are plain (test mode without required TLS), the header XAPI_FQDN stands in
    for a client certificate.
    """

    gateway: Gateway
    rules: SessionRules

    async def endpoint(self, request: Request, operation: LegacyOperation | None, world: World) -> Endpoint:
        """Return the registered endpoint of a call, which may call `operation`. Raises Stop."""
        asid = required(request, ASID)
        found = presented(request.scope)
        certificate = None if found is None else found.certificate
        claimed = optional(request, FQDN) if self.rules.plain else ""
        async with world.read() as tx:
            stored = await tx.registers.endpoints.get(asid)
        client = request.scope.get("client")
        call = EndpointCall(
            asid=asid,
            certificate=certificate,
            address=str(client[0]) if client else "",
            operation="" if operation is None else operation.id,
            claimed_name=claimed or None,
        )
        endpoint = None if stored is None else stored.value
        refusal = check_endpoint(endpoint, call)
        if refusal is not None or endpoint is None:
            text = "" if refusal is None else refusal.text
            if refusal is not None and refusal.check is EndpointCheck.HOST_NAME and self.rules.plain and not claimed:
                text += f" In this test environment, {FQDN} with the registered host name is enough."
            guessed = refusal is not None and refusal.check in _GUESSED_CHECKS
            wait_s = self.gateway.failures.failed(address_of(request.scope)) if guessed else 0
            raise Stop(problems.too_many_requests(wait_s) if wait_s else problems.endpoint_refused(text))
        world.entry.asid, world.entry.fqdn, world.entry.application = endpoint.asid, endpoint.fqdn, endpoint.asid
        if not self.gateway.limit.admits(f"endpoint {endpoint.asid}"):
            raise Stop(problems.too_many_requests(retry_after_s=1))
        return endpoint

    async def session(self, request: Request, endpoint: Endpoint, world: World) -> OpenSession:
        """Return the valid session of a call. Raises Stop."""
        key = session_key(request)
        try:
            return await use_session(key, endpoint.asid, self.rules, world)
        except SessionRefused as refused:
            raise self.refused(refused, request) from refused

    def refused(self, refused: SessionRefused, request: Request) -> Stop:
        """Return the refusal of a session: 429 while the caller's address fails too often."""
        guessed = refused.fault in _GUESSED
        wait_s = self.gateway.failures.failed(address_of(request.scope)) if guessed else 0
        return Stop(problems.too_many_requests(wait_s) if wait_s else session_problem(refused))


def session_key(request: Request) -> str:
    """Return the session key in the headers. Raises Stop."""
    return required(request, SESSION_KEY)


def principal_of(
    opened: OpenSession, endpoint: Endpoint, operation: LegacyOperation, allowed: frozenset[str] | None
) -> Principal:
    """Return the caller in the role of the session.

    Raises Stop if the effective function may not call `operation`, or if `allowed`, the allow-list if there is one,
    does not name the organisation.
    """
    session, permission = opened.session, opened.session.permission
    if permission is None or operation.roles is None:
        raise RuntimeError(f"{operation.key} was called without a role")
    if allowed is not None and permission.organisation not in allowed:
        raise Stop(problems.organisation_not_allowed(_ROLE))
    if session.effective_function not in operation.roles:
        names = ", ".join(sorted(operation.roles))
        raise Stop(problems.wrong_function(f"The role of the session may not call {operation.id}, only: {names}."))
    effective = opened.clinician or opened.user
    return Principal(
        user=opened.user.id,
        organisation=permission.organisation,
        function=permission.function,
        application=endpoint.asid,
        session=session.id,
        asid=endpoint.asid,
        on_behalf_of=session.on_behalf_of,
        workgroups=effective.workgroups_at(permission.organisation),
    )
