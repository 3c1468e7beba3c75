"""Shared parts of the OAuth 2.0 endpoints: their dependencies, one active call, and refusals.

The loop (`interaction`) runs each call. Unlike FHIR, these endpoints reply in the protocol's own JSON or with a page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, Protocol

import msgspec
from starlette.responses import Response

from openers.api.addresses import Declared
from openers.api.dialects import PLAIN, problem_of, refusal_headers
from openers.api.failures import UNLIMITED, Failures, address_of
from openers.api.http.reply import Reply, reply_of
from openers.api.http.request import BY_HEADER, Stop
from openers.api.interaction import ActiveCall, Interaction, Unexpected
from openers.api.oauth.remote import RemoteKeys
from openers.api.oauth.upstream import UpstreamProvider
from openers.domain.clock import Clock
from openers.domain.errors import Conflict, Failure, OpenersError
from openers.identity.access import AccessCache
from openers.identity.clients import ClientCheck
from openers.identity.errors import OAuthError, OAuthRefusal, TooManyFailures
from openers.identity.id_tokens import SigningKey
from openers.identity.log_in import Choice
from openers.wire.dialect import Problem
from openers.wire.rules import Check, Rule


class Pages(Protocol):
    """The log-in pages as HTML. `openers.web.log_in` implements them."""

    def choose_person(self, choice: Choice, root: str) -> str:
        """Return the page on which the user picks a person; `root` is the path of the world's address."""
        ...

    def confirm_log_out(self, handle: str, name: str, root: str) -> str:
        """Return the page on which the person with this name confirms a log-out; `root` is as above."""
        ...

    def logged_out(self, root: str) -> str:
        """Return the page that says that the log-in has ended; `root` is as above."""
        ...

    def refusal(self, explanation: str, root: str) -> str:
        """Return the page that explains why a log-in cannot continue; `root` is as above."""
        ...


class OAuthDeps(msgspec.Struct, frozen=True, kw_only=True):
    """The dependencies of the endpoints. `base_url` is the public address of the service.

    In production people log in at `upstream`, never from a list. Without `upstream`, only applications are served.
    With `needs_card`, only the holder of the smartcard in the reader can log in (test mode).
    """

    wall: Clock
    base_url: str
    production: bool
    signing_key: SigningKey
    cache: AccessCache
    pages: Pages
    upstream: UpstreamProvider | None = None
    failures: Failures = UNLIMITED
    needs_card: bool = False
    client_keys: RemoteKeys = msgspec.field(default_factory=lambda: RemoteKeys("the application's key address"))

    @property
    def roles_from_claims(self) -> bool:
        """Return whether people and their roles come from the upstream provider, at each log-in."""
        return self.upstream is not None and self.upstream.gives_roles


def token_url(base_url: str) -> str:
    """Return the address of the token endpoint, which is also the audience of assertions."""
    return f"{base_url}/oauth2/token"


_NO_FAILURES: Final = frozenset({OAuthError.TEMPORARILY_UNAVAILABLE, OAuthError.TOO_MANY_REQUESTS})
"""Refusals that the caller did not cause, or that were counted before."""


class OAuthCall:
    """One request at an endpoint, with its world, time and audit entry."""

    def __init__(self, call: ActiveCall, deps: OAuthDeps) -> None:
        """Store `call`, which the loop runs."""
        self._call = call
        self.request, self.deps, self.now = call.http(), deps, deps.wall.now()
        self.entry, self.world = call.entry, call.world
        self.address = address_of(call.request.scope)

    @property
    def issuer(self) -> str:
        """Return the issuer of ID tokens, which is the address of the world."""
        return self.world.base_url

    @property
    def clients(self) -> ClientCheck:
        """Return the check that authenticates clients.

        A caller that names the world by a header may know only the address of the service, and so sign for that one.
        """
        known = (self.issuer, self.deps.base_url) if self.request.scope.get(BY_HEADER) else (self.issuer,)
        audiences = tuple(each for base in known for each in (token_url(base), base))
        return ClientCheck(audiences, with_test_only=not self.deps.production)

    @property
    def recorded(self) -> bool:
        """Return whether the audit entry is durable already."""
        return self._call.recorded

    @recorded.setter
    def recorded(self, value: bool) -> None:
        """Set whether the audit entry is durable."""
        self._call.recorded = value

    def noted(self, refusal: OAuthRefusal) -> None:
        """Put a refusal into the audit entry."""
        self.entry.outcome, self.entry.code = status_of(refusal.error), refusal.error

    def limited(self, refusal: OAuthRefusal) -> OAuthRefusal:
        """Return the refusal to send: this one, or TooManyFailures if an unknown caller fails too often."""
        if self.entry.application or refusal.error in _NO_FAILURES:
            return refusal
        wait_s = self.deps.failures.failed(self.address)
        return TooManyFailures(wait_s) if wait_s else refusal


Handle = Callable[[OAuthCall], Awaitable[Response]]
Refuse = Callable[[OAuthCall, OAuthRefusal], Response]


class OAuthDialect(msgspec.Struct, frozen=True):
    """The protocol's own errors, written by `write`: as JSON, as a page, or as a redirect to the client."""

    deps: OAuthDeps
    write: Refuse

    def refuse(self, error: Exception, call: ActiveCall) -> tuple[Problem, Reply]:
        """Return the refusal; a refusal of the loop itself keeps its own status."""
        problem = problem_of(error, PLAIN)
        refusal = _refusal_of(error, problem)
        reply = reply_of(self.write(OAuthCall(call, self.deps), refusal))
        if isinstance(error, Stop):
            return problem, Reply(problem.status, reply.body, (*reply.headers, *refusal_headers(problem)))
        check = Check.SERVICE if isinstance(error, Failure | Unexpected) else Check.RULE
        status, rule = status_of(refusal.error), Rule(check, refusal.error, refusal.source)
        return Problem(status=status, rule=rule, code=refusal.error, diagnostics=refusal.description), reply


def _refusal_of(error: Exception, problem: Problem) -> OAuthRefusal:
    """Return the OAuth error for an exception."""
    match error:
        case OAuthRefusal():
            return error
        case Failure() | Conflict():
            return OAuthRefusal(OAuthError.TEMPORARILY_UNAVAILABLE, "Try again in a few seconds")
        case Stop() if problem.status == UNAUTHORISED:
            return OAuthRefusal(OAuthError.INVALID_TOKEN, problem.diagnostics)
        case OpenersError() | Stop():
            return OAuthRefusal(OAuthError.INVALID_REQUEST, problem.diagnostics)
        case _:
            return OAuthRefusal(OAuthError.SERVER_ERROR, problem.diagnostics)


class Style(NamedTuple):
    """How an endpoint writes refusals. Pages are for browsers and accept only this service's own host names."""

    write: Refuse
    is_page: bool


def endpoint(deps: OAuthDeps, path: str, audit_type: str, handle: Handle, style: Style) -> Declared:
    """Declare the calls that `handle` serves with one method at `path`."""
    interaction = Interaction(
        audit=audit_type,
        operation=path,
        dialect=OAuthDialect(deps, style.write),
        own_hosts=style.is_page,
        for_anybody=True,
    )

    async def _serve(call: ActiveCall) -> Reply:
        active = OAuthCall(call, deps)
        try:
            return reply_of(await handle(active))
        except OAuthRefusal as refusal:
            raise active.limited(refusal) from refusal

    return Declared(interaction, _serve)


UNAUTHORISED: Final = 401
_STATUSES: Final = {
    OAuthError.INVALID_CLIENT: UNAUTHORISED,
    OAuthError.INVALID_TOKEN: UNAUTHORISED,
    OAuthError.TOO_MANY_REQUESTS: 429,
    OAuthError.TEMPORARILY_UNAVAILABLE: 503,
    OAuthError.SERVER_ERROR: 500,
}


def status_of(error: OAuthError) -> int:
    """Return the HTTP status of an error code. Source: RFC 6749 chapters 4.1.2.1 and 5.2."""
    return _STATUSES.get(error, 400)


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON reply that must not be cached unless `headers` say otherwise."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(body), status, kept, "application/json")


def json_refusal(call: OAuthCall, refusal: OAuthRefusal) -> Response:
    """Return a refusal as the protocol's JSON."""
    headers: dict[str, str] = {}
    if refusal.error is OAuthError.INVALID_CLIENT and "authorization" in call.request.headers:
        headers["WWW-Authenticate"] = 'Basic realm="OpenERS"'
    if refusal.error is OAuthError.TEMPORARILY_UNAVAILABLE:
        headers["Retry-After"] = "5"
    if isinstance(refusal, TooManyFailures):
        headers["Retry-After"] = str(refusal.retry_after_s)
    body = {"error": refusal.error, "error_description": refusal.description}
    return json_reply(body, status_of(refusal.error), headers)
