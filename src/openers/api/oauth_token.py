"""The token and revocation endpoints: codes, ID tokens, assertions and refresh tokens become access tokens.

Source: rules chapter 2.2; RFC 6749, RFC 8693 (token exchange), RFC 7009 (revocation).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
from starlette.responses import Response

from openers.api.oauth_call import OAuthCall, json_reply
from openers.api.oauth_reading import Parameters, read_client, read_form
from openers.domain.credentials import AccessMode, Session
from openers.identity.clients import Client
from openers.identity.errors import OAuthError, OAuthRefusal, invalid_grant, invalid_request
from openers.identity.id_tokens import IdToken, InvalidIdToken, id_token_claims, prove_id_token, read_id_token
from openers.identity.log_in import CodeExchange, Redeemed, new_session, redeem_code
from openers.identity.opaque import digest
from openers.identity.tokens import SessionEnded, Tokens, begin_session, issue_tokens, open_session, refresh_tokens
from openers.identity.tokens import revoke as revoke_token
from openers.usecases.ports import Tx

ID_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:id_token"
ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"

T = TypeVar("T")


class TokenReply(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The token endpoint's answer. Lives are in seconds, cut off, so that a client never overestimates them."""

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
    exchange = GRANTS.get(form.needed("grant_type"))
    if exchange is None:
        raise OAuthRefusal(OAuthError.UNSUPPORTED_GRANT_TYPE, f"grant_type must be one of: {', '.join(GRANTS)}")
    reply = await exchange(call, form, await _proved_client(call, form))
    return json_reply(reply)


async def revoke(call: OAuthCall) -> Response:
    """POST /oauth2/revoke: end the session that a token belongs to, as when the smartcard is removed."""
    form = await read_form(call.request)
    client, token = await _proved_client(call, form), form.needed("token")
    call.entry.outcome = 200
    async with call.world.begin("revoke") as tx:
        await client.use(tx)
        ended = await revoke_token(tx, token, client.application.client_id)
        call.entry.session = ended or ""
    call.recorded = True
    if ended is not None:
        call.deps.cache.forget(ended)
    call.deps.cache.forget_token(call.world.name, digest(token))
    return json_reply({})


async def _proved_client(call: OAuthCall, form: Parameters) -> Client:
    sent = read_client(call.request, form)
    async with call.world.read() as tx:
        client = await call.deps.clients.prove(sent, tx.directory, call.now)
    call.entry.application, call.entry.asid = client.application.client_id, client.application.asid or ""
    return client


def _needs(client: Client, mode: AccessMode, *, assertion: bool = False) -> None:
    """Refuse a grant that is not for this kind of application."""
    if client.application.mode is not mode:
        raise OAuthRefusal(OAuthError.UNAUTHORIZED_CLIENT, f"grant_type is for {mode} applications")
    if assertion and client.assertion is None:
        raise invalid_request("Missing client_assertion - this grant_type needs a signed JWT")


async def _issue(call: OAuthCall, client: Client, work: Callable[[Tx], Awaitable[T | OAuthRefusal]]) -> T:
    """Run one exchange in one transaction, with the client's assertion used up in it."""
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
    """The answer that hands out `tokens`."""
    session = tokens.grant.session
    reply = TokenReply(access_token=tokens.access_token, expires_in=_seconds(call, tokens.grant.expires))
    if session is not None:
        reply.refresh_token = tokens.refresh_token
        reply.refresh_token_expires_in = _seconds(call, session.ends)
        reply.refresh_count = tokens.grant.refreshes
    return reply
