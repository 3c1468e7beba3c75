"""The token and revocation endpoints: exchange codes, ID tokens, assertions and refresh tokens for access tokens.

Source: rules chapter 2.2; RFC 6749, RFC 8693 (token exchange), RFC 7009 (revocation).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Final, TypeVar

import msgspec
from starlette.responses import Response

from openers.api.oauth.call import OAuthCall, OAuthDeps, json_reply
from openers.api.oauth.reading import Parameters, read_client, read_form
from openers.domain.clock import Instant
from openers.domain.credentials import AccessMode, Application, Joined, Session
from openers.domain.errors import Unavailable
from openers.identity.assertions import read_assertion
from openers.identity.clients import ByAssertion, BySecret, Client
from openers.identity.errors import OAuthError, OAuthRefusal, TooManyFailures, invalid_grant, invalid_request
from openers.identity.id_tokens import (
    IdToken,
    InvalidIdToken,
    check_fresh,
    id_token_claims,
    prove_id_token,
    read_id_token,
    use_id_token,
)
from openers.identity.log_in import CodeExchange, LoggedIn, Redeemed, new_session, redeem_code
from openers.identity.opaque import digest
from openers.identity.tokens import SessionEnded, Tokens, begin_session, issue_tokens, open_session, refresh_tokens
from openers.identity.tokens import revoke as revoke_token
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.ending import join

ID_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:id_token"
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"

T = TypeVar("T")


class TokenReply(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The token endpoint's reply. Lifetimes are in seconds, rounded down so that a client never overestimates them."""

    access_token: str
    expires_in: int
    token_type: str = msgspec.field(default_factory=lambda: "Bearer")
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None
    refresh_count: int | None = None
    issued_token_type: str | None = None
    id_token: str | None = None


async def token(call: OAuthCall) -> Response:
    """POST /oauth2/token."""
    form = await read_form(call.request)
    asked, known = form.needed("grant_type"), grants_of(call.deps)
    exchange = known.get(asked)
    if exchange is None:
        reason = ": roles come from claims, which an ID token does not hold" if asked in GRANTS else ""
        description = f"grant_type must be one of: {', '.join(known)}{reason}"
        raise OAuthRefusal(OAuthError.UNSUPPORTED_GRANT_TYPE, description)
    reply = await exchange(call, form, await _proved_client(call, form))
    return json_reply(reply)


async def revoke(call: OAuthCall) -> Response:
    """POST /oauth2/revoke: end the session of a token, as the removal of a smartcard does."""
    form = await read_form(call.request)
    client, token = await _proved_client(call, form), form.needed("token")
    call.entry.outcome = 200
    async with call.world.begin("revoke") as tx:
        await client.use(tx)
        ended = await revoke_token(tx, token, client.application.client_id, call.now)
        call.entry.session = ended or ""
    call.recorded = True
    if ended is not None:
        call.deps.cache.forget(ended)
    call.deps.cache.forget_token(call.world.name, digest(token))
    return json_reply({})


async def _proved_client(call: OAuthCall, form: Parameters) -> Client:
    sent, failures = read_client(call.request, form), call.deps.failures
    if isinstance(sent, BySecret):
        wait_s = failures.wait_s(call.address, sent.client_id, digest(sent.secret))
        if wait_s:
            raise TooManyFailures(wait_s)
    try:
        async with call.world.read() as tx:
            application = await call.clients.find(sent, tx.directory)
        client = call.clients.prove(sent, await _with_keys(call, application, sent), call.now)
    except OAuthRefusal:
        if isinstance(sent, BySecret):
            failures.client_failed(call.address, sent.client_id)
        raise
    if isinstance(sent, BySecret):
        failures.proved(call.address, sent.client_id, digest(sent.secret))
    call.entry.application, call.entry.asid = client.application.client_id, client.application.asid or ""
    return client


async def _with_keys(call: OAuthCall, application: Application, sent: ByAssertion | BySecret) -> Application:
    """Return an application with the keys at its key address, if it has one. Raises OAuthRefusal."""
    address = application.jwks_uri
    if address is None or isinstance(sent, BySecret):
        return application
    try:
        keys = await call.deps.client_keys.at(address, read_assertion(sent.assertion).header["kid"], call.now)
    except Unavailable:
        description = f"The keys of {application.client_id} cannot be read at {address}"
        raise OAuthRefusal(OAuthError.TEMPORARILY_UNAVAILABLE, description) from None
    return msgspec.structs.replace(application, keys=keys)


def _needs(client: Client, mode: AccessMode, *, assertion: bool = False) -> None:
    """Raise OAuthRefusal unless the grant is for this kind of application."""
    if client.application.mode is not mode:
        raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, f"grant_type is for {mode} applications")
    if assertion and client.assertion is None:
        raise invalid_request("Missing client_assertion - this grant_type needs a signed JWT")


async def _issue(call: OAuthCall, client: Client, work: Callable[[Tx], Awaitable[T | OAuthRefusal]]) -> T:
    """Run one exchange in one transaction, in which the client's assertion is used up. Raises OAuthRefusal."""
    call.entry.outcome = 200
    async with call.world.begin("issue token") as tx:
        await client.use(tx)
        result = await work(tx)
        if isinstance(result, OAuthRefusal):
            call.noted(result)
    call.recorded = True
    if isinstance(result, SessionEnded):
        call.deps.cache.forget(result.session)
    if isinstance(result, OAuthRefusal):
        raise result
    return result


def _reply(call: OAuthCall, tokens: Tokens) -> TokenReply:
    """Return the reply with `tokens`."""
    session = tokens.grant.session
    reply = TokenReply(access_token=tokens.access_token, expires_in=_seconds(call, tokens.grant.expires))
    if session is not None:
        reply.refresh_token = tokens.refresh_token
        reply.refresh_token_expires_in = _seconds(call, session.ends)
        reply.refresh_count = tokens.grant.refreshes
    return reply


def _seconds(call: OAuthCall, until: Instant) -> int:
    """Return the whole seconds that certainly remain."""
    return max(0, ceil((until - call.now).total_seconds()) - 1)


async def _by_code(call: OAuthCall, form: Parameters, client: Client) -> TokenReply:
    """Exchange a code for an access, a refresh and an ID token (combined log-in)."""
    _needs(client, AccessMode.USER_RESTRICTED)
    client_id = client.application.client_id
    sent = CodeExchange(client_id, form.needed("code"), form.needed("redirect_uri"), form.get("code_verifier"))

    async def redeem(tx: Tx) -> Redeemed | OAuthRefusal:
        redeemed = await redeem_code(tx, sent, call.now)
        if isinstance(redeemed, Redeemed):
            _record(call, redeemed.session)
        return redeemed

    redeemed = await _issue(call, client, redeem)
    claims = id_token_claims(redeemed.session, call.issuer, client_id, redeemed.request.nonce, call.now)
    reply = _reply(call, redeemed.tokens)
    reply.id_token = call.deps.signing_key.sign(claims)
    return reply


async def _by_refresh_token(call: OAuthCall, form: Parameters, client: Client) -> TokenReply:
    """Return new tokens while the session lasts; replace the refresh token."""
    _needs(client, AccessMode.USER_RESTRICTED)
    sent = form.needed("refresh_token")

    async def refresh(tx: Tx) -> Tokens | OAuthRefusal:
        tokens = await refresh_tokens(tx, sent, client.application.client_id, call.now)
        if isinstance(tokens, Tokens) and tokens.grant.session is not None:
            _record(call, tokens.grant.session)
        return tokens

    return _reply(call, await _issue(call, client, refresh))


async def _by_assertion(call: OAuthCall, form: Parameters, client: Client) -> TokenReply:
    """Exchange an application's signed JWT for an access token (application-restricted access)."""
    _needs(client, AccessMode.APPLICATION_RESTRICTED, assertion=True)

    async def issue(tx: Tx) -> Tokens | OAuthRefusal:
        return await issue_tokens(tx, client.application.client_id, None, call.now)

    return _reply(call, await _issue(call, client, issue))


async def _by_id_token(call: OAuthCall, form: Parameters, client: Client) -> TokenReply:
    """Exchange an ID token and the client's assertion for an access and a refresh token (separate log-in)."""
    _needs(client, AccessMode.USER_RESTRICTED, assertion=True)
    if form.get("subject_token_type") != ID_TOKEN_TYPE:
        raise invalid_request(f"Missing or invalid subject_token_type - must be '{ID_TOKEN_TYPE}'")
    text = form.needed("subject_token")

    async def issue(tx: Tx) -> Tokens | OAuthRefusal:
        if not ours:
            await use_id_token(tx, text, proved.expires)
        session = await open_session(tx, proved.session, call.now) if ours else await _begin(tx, proved, call.now)
        _record(call, session)
        await join(tx, session, Joined(client.application.client_id))
        return await issue_tokens(tx, client.application.client_id, session, call.now)

    try:
        proved, ours = await _proved_id_token(call, text, client.application.client_id)
        reply = _reply(call, await _issue(call, client, issue))
    except InvalidIdToken as error:
        raise invalid_grant(f"Invalid subject_token - {error}") from None
    reply.issued_token_type = ACCESS_TOKEN_TYPE
    return reply


async def _proved_id_token(call: OAuthCall, text: str, client_id: str) -> tuple[IdToken, bool]:
    """Return the verified ID token, and whether this service (not the upstream provider) issued it."""
    deps, token = call.deps, read_id_token(text)
    if deps.upstream is not None and token.claims.get("iss") == deps.upstream.issuer:
        proved = await deps.upstream.prove(text, client_id, call.now)
        check_fresh(token, call.now)
        return proved, False
    return prove_id_token(token, deps.signing_key.public_keys(), call.issuer, client_id, call.now), True


async def _begin(tx: Tx, proved: IdToken, now: Instant) -> Session:
    """Begin a session for a user whom the upstream provider has logged in. Raises OAuthRefusal."""
    user = await tx.directory.user(proved.user)
    if user is None or not user.active:
        raise invalid_grant("Invalid subject_token - the person is not a user of this service")
    session = new_session(LoggedIn(user.id, proved.assurance, proved.authenticated), now)
    await begin_session(tx, session)
    return session


def _record(call: OAuthCall, session: Session) -> None:
    """Put the user and the session into the audit entry."""
    call.entry.user, call.entry.session = session.user, session.id


Exchange = Callable[[OAuthCall, Parameters, Client], Awaitable[TokenReply]]
GRANTS: Final[dict[str, Exchange]] = {
    "authorization_code": _by_code,
    "client_credentials": _by_assertion,
    "refresh_token": _by_refresh_token,
    TOKEN_EXCHANGE: _by_id_token,
}
"""The exchange for each grant type."""


def grants_of(deps: OAuthDeps) -> Mapping[str, Exchange]:
    """Return the grant types that this service supports: with roles from claims, no token exchange."""
    if not deps.roles_from_claims:
        return GRANTS
    return {name: exchange for name, exchange in GRANTS.items() if name != TOKEN_EXCHANGE}
