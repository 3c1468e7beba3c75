"""The gateway: resolve a request to the caller in one role, or refuse it, in the order of the real platform.

Source: rules chapter 2.3 (pipeline), 2.4 (headers), 2.5 (who may call what); 11.2 rows 28 and 29.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.api.failures import UNLIMITED, Failures, address_of
from openers.api.http.peers import presented
from openers.api.http.request import FUNCTION, GATEWAY_ONLY, LOG_IN, ODS, ON_BEHALF_OF, Request, Stop
from openers.api.operation import Operation
from openers.api.rate_limit import RateLimit
from openers.domain.directory import User
from openers.domain.endpoints.checks import EndpointCall, check_endpoint
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import APPLICATION_FUNCTIONS, SPCA, BusinessFunction, Principal
from openers.domain.sessions.professional import act_for_fault
from openers.identity.access import AccessCache, TokenHolder, bearer_of, open_bearer
from openers.identity.assurance import identity_is_verified, method_is_accepted
from openers.identity.errors import InvalidToken
from openers.usecases.world import World
from openers.wire import problems

_OTHER_ASID: Final = (
    "The client certificate belongs to the endpoint {endpoint}, the access token to an application with the ASID "
    "{application}. Call with the certificate of that application, or with none."
)


class Gateway(msgspec.Struct, frozen=True):
    """The dependencies of the checks. `allowed` are the organisations of the allow-list; `None` if it is off."""

    access: AccessCache
    limit: RateLimit
    allowed: frozenset[str] | None
    failures: Failures = UNLIMITED


async def open_gate(request: Request, operation: Operation | None, gateway: Gateway, world: World) -> TokenHolder:
    """Return the authenticated caller within its limits; `operation` is `None` for an unknown address. Raises Stop."""
    caller = await caller_of(request, gateway, world)
    _note(request, caller, world)
    if caller.user is not None:
        check_assurance(caller)
        if operation is None or operation.roles is not None:  # A030 is exempt: with it callers find their organisations
            check_allow_list(request, gateway)
    if not caller.application.asid:
        raise Stop(problems.missing_asid())
    await _check_endpoint(request, caller.application.asid, world)
    if not gateway.limit.admits(caller.application.client_id):
        raise Stop(problems.too_many_requests(retry_after_s=1))
    _check_mode_headers(request, caller)
    return caller


def _note(request: Request, caller: TokenHolder, world: World) -> None:
    """Note the system that calls, for refusals before its role is known, and how its user logged in."""
    world.entry.application, world.entry.asid = caller.application.client_id, caller.application.asid or ""
    if caller.grant.session is not None:
        world.entry.session = caller.grant.session.id
        request.scope[LOG_IN] = caller.grant.session.assurance.method


async def in_role(request: Request, caller: TokenHolder, operation: Operation, world: World) -> Principal:
    """Return the caller in the role that the request names, if that role may call `operation`. Raises Stop."""
    if caller.user is None:
        return _application_principal(caller, operation)
    return await _user_principal(request, caller, caller.user, (operation, world))


async def caller_of(request: Request, gateway: Gateway, world: World) -> TokenHolder:
    """Return the caller behind the bearer token of a request. Raises Stop."""
    try:
        return await open_bearer(bearer_of(request.header(b"authorization")), world, gateway.access)
    except InvalidToken as error:
        raise _refused_token(error, gateway.failures, request) from error


def _refused_token(error: InvalidToken, failures: Failures, request: Request) -> Stop:
    """Return the refusal of an invalid token: 401, or 429 while its address fails too often."""
    if error.is_absent:
        return Stop(problems.missing_token())
    wait_s = 0 if error.expired else failures.failed(address_of(request.scope))
    return Stop(problems.too_many_requests(wait_s) if wait_s else problems.invalid_token())


async def _check_endpoint(request: Request, asid: str, world: World) -> None:
    """Check a call whose client certificate belongs to a registered endpoint. Raises Stop."""
    found = presented(request.scope)
    if found is None or found.certificate is None:
        return
    async with world.read() as tx:
        endpoint = await tx.registers.endpoints.of_certificate(found.certificate.fingerprint)
    if endpoint is None:
        return
    if endpoint.asid != asid:
        raise Stop(problems.endpoint_refused(_OTHER_ASID.format(endpoint=endpoint.asid, application=asid)))
    client = request.scope.get("client")
    refusal = check_endpoint(endpoint, EndpointCall(asid, found.certificate, str(client[0]) if client else ""))
    if refusal is not None:
        raise Stop(problems.endpoint_refused(refusal.text))


def check_assurance(caller: TokenHolder) -> None:
    """Refuse a person whose log-in is too weak, or whose identity is not verified. Raises Stop."""
    session = caller.grant.session
    if session is None or not method_is_accepted(session.assurance):
        raise Stop(problems.method_not_accepted())
    if not identity_is_verified(session.assurance):
        raise Stop(problems.identity_not_verified())


def check_allow_list(request: Request, gateway: Gateway) -> None:
    """Refuse an organisation that is not on the allow-list, if there is one. Raises Stop."""
    if gateway.allowed is None:
        return
    organisation = request.header(ODS)
    if not organisation:
        raise Stop(problems.missing_header("NHSD-End-User-Organisation-ODS", problems.ALLOW_LIST))
    if organisation not in gateway.allowed:
        raise Stop(problems.organisation_not_allowed())


def _check_mode_headers(request: Request, caller: TokenHolder) -> None:
    if caller.user is None:
        if not GATEWAY_ONLY.isdisjoint(request.headers):
            raise Stop(problems.header_of_the_gateway())
    elif request.header(FUNCTION) in APPLICATION_FUNCTIONS:
        raise Stop(problems.application_function())


def _application_principal(caller: TokenHolder, operation: Operation) -> Principal:
    """Return the principal of an application from its registration, ignoring organisation and function headers."""
    application = caller.application
    organisation, function, user = application.organisation, application.function, application.user
    if organisation is None or function is None or user is None or function not in operation.applications:
        raise Stop(problems.wrong_function())
    return Principal(
        user=user,
        organisation=organisation,
        function=function,
        application=application.client_id,
        session="",
        asid=application.asid or "",
    )


async def _user_principal(
    request: Request, caller: TokenHolder, user: User, asked: tuple[Operation, World]
) -> Principal:
    operation, world = asked
    organisation = request.header(ODS)
    if not organisation:
        raise Stop(problems.missing_header("NHSD-End-User-Organisation-ODS"))
    role = held_role(user, organisation, request.header(FUNCTION))
    if role is None or operation.roles is None or role[1] not in operation.roles:
        raise Stop(problems.wrong_function(_allowed(operation)))
    acting_for = await _on_behalf_of(request, user, role, world) if operation.acts_for else None
    effective = acting_for or user
    return Principal(
        user=user.id,
        organisation=role[0],
        function=role[1],
        application=caller.application.client_id,
        session=caller.grant.session.id if caller.grant.session else "",
        asid=caller.application.asid or "",
        on_behalf_of=None if acting_for is None else acting_for.id,
        workgroups=effective.workgroups_at(role[0]),
    )


def held_role(user: User, organisation: str, function: str) -> tuple[OdsCode, BusinessFunction] | None:
    """Return the role that the headers name, if the user holds it."""
    for role in user.roles:
        if role.organisation == organisation:
            for held in role.functions:
                if held == function:
                    return role.organisation, held
    return None


async def _on_behalf_of(
    request: Request, user: User, role: tuple[OdsCode, BusinessFunction], world: World
) -> User | None:
    """Return the clinician for whom an SPCA acts. SPCAs must send the header; all others must not (rules 2.4)."""
    header = request.header(ON_BEHALF_OF)
    if role[1] is not SPCA:
        if header:
            text = f"NHSD-eRS-On-Behalf-Of-User-ID is only for {SPCA}."
            raise Stop(problems.wrong_function(text, problems.ON_BEHALF_OF))
        return None
    async with world.read() as tx:
        clinician = await tx.directory.user(UserId(header)) if _is_user_id(header) else None
    if clinician is None or act_for_fault(user, clinician, role[0]) is not None:
        text = "NHSD-eRS-On-Behalf-Of-User-ID must name a clinician that the user may act for (A040 lists them)."
        raise Stop(problems.wrong_function(text, problems.ON_BEHALF_OF))
    return clinician


def _is_user_id(text: str) -> bool:
    return UserId.pattern.fullmatch(text) is not None


def _allowed(operation: Operation) -> str:
    names = ", ".join(sorted(operation.roles or ()))
    return f"User does not have the required Business Function at the specified Organisation. Allowed here: {names}."
