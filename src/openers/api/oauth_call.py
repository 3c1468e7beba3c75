"""What every OAuth 2.0 endpoint shares: what the endpoints work with, and one request on its way through one.

Each call has one audit entry: an act commits it, and a refusal makes it durable by itself. Unlike the FHIR edge these
endpoints answer in the protocol's own JSON, or with a page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from openers.api.oauth_upstream import UpstreamProvider
from openers.api.request import WorldOf
from openers.domain.audit import AuditEntry
from openers.domain.clock import Clock
from openers.domain.errors import Broken, Clash
from openers.identity.access import AccessCache
from openers.identity.clients import ClientCheck
from openers.identity.errors import OAuthError, OAuthRefusal
from openers.identity.id_tokens import SigningKey
from openers.identity.log_in import Choice


class Pages(Protocol):
    """The pages that a person sees, as HTML. `openers.web.log_in` has them."""

    def choose_person(self, choice: Choice) -> str:
        """The page on which a person is picked."""
        ...

    def refusal(self, explanation: str) -> str:
        """The page that says why a log-in can't go on."""
        ...


class OAuthDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What the endpoints work with. `base_url` is how clients reach the service and the issuer of its ID tokens.

    `world` finds the world that a request is for. In production nobody is picked from a list: people log in at
    `upstream`, and without one only applications are served.
    """

    world: WorldOf
    wall: Clock
    base_url: str
    production: bool
    signing_key: SigningKey
    cache: AccessCache
    pages: Pages
    upstream: UpstreamProvider | None = None

    @property
    def token_url(self) -> str:
        """Where tokens are asked for, and whom assertions are made out to."""
        return f"{self.base_url}/oauth2/token"

    @property
    def callback_url(self) -> str:
        """Where the upstream provider sends the browser back to."""
        return f"{self.base_url}/oauth2/callback"

    @property
    def clients(self) -> ClientCheck:
        """How clients prove who they are."""
        return ClientCheck((self.token_url, self.base_url), with_test_only=not self.production)


class OAuthCall:
    """One request at an endpoint, with its world, its time and its audit entry."""

    def __init__(self, request: Request, deps: OAuthDeps, audit_type: str) -> None:
        """Opens the audit entry."""
        self.request, self.deps, self.now = request, deps, deps.wall.now()
        self.entry = AuditEntry(
            event_type=request.method,
            audit_type=audit_type,
            at=self.now,
            operation=request.url.path,
            request_id=str(uuid4()),
            correlation_id=request.headers.get("x-correlation-id", "")[:100],
        )
        self.world = deps.world(request.scope).for_call(self.entry)
        self.recorded = False
        """Whether the audit entry is durable already."""

    def noted(self, refusal: OAuthRefusal) -> None:
        """Put a refusal into the audit entry."""
        self.entry.outcome, self.entry.code = status_of(refusal.error), refusal.error

    async def witness(self) -> None:
        """Make the audit entry durable, unless an act has done so."""
        if not self.recorded:
            await self.world.store.witness(self.entry)
            self.recorded = True


Handle = Callable[[OAuthCall], Awaitable[Response]]
Refuse = Callable[[OAuthCall, OAuthRefusal], Response]


def endpoint(
    deps: OAuthDeps, audit_type: str, handle: Handle, refuse: Refuse
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for Starlette: runs `handle`, and answers what it refuses by `refuse`; audited either way."""

    async def serve(request: Request) -> Response:
        call = OAuthCall(request, deps, audit_type)
        try:
            answer = await handle(call)
            call.entry.outcome = answer.status_code
            await call.witness()
        except OAuthRefusal as refusal:
            call.noted(refusal)
            await call.witness()
            return refuse(call, refusal)
        except (Broken, Clash):
            return refuse(call, OAuthRefusal(OAuthError.TEMPORARILY_UNAVAILABLE, "Try again in a few seconds"))
        return answer

    return serve


def status_of(error: OAuthError) -> int:
    """The HTTP status that belongs to an error code. Source: RFC 6749 chapter 5.2."""
    return {OAuthError.INVALID_CLIENT: 401, OAuthError.TEMPORARILY_UNAVAILABLE: 503}.get(error, 400)


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that, unless `headers` say otherwise, nobody may keep."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(body), status, kept, "application/json")


def json_refusal(call: OAuthCall, refusal: OAuthRefusal) -> Response:
    """A refusal as the protocol's JSON."""
    headers: dict[str, str] = {}
    if refusal.error is OAuthError.INVALID_CLIENT and "authorization" in call.request.headers:
        headers["WWW-Authenticate"] = 'Basic realm="OpenERS"'
    if refusal.error is OAuthError.TEMPORARILY_UNAVAILABLE:
        headers["Retry-After"] = "5"
    body = {"error": refusal.error, "error_description": refusal.description}
    return json_reply(body, status_of(refusal.error), headers)
