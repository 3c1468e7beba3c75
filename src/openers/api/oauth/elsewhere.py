"""Log-in in production: the browser logs in at the upstream OpenID provider and returns with its code.

Source: OpenID Connect Core chapter 3.1, RFC 9207.
"""

from __future__ import annotations

from starlette.responses import Response

from openers.api.oauth.browser import ClientRefusal, begin_log_in, browser_of, forget, redirect, remember, send_back
from openers.api.oauth.call import OAuthCall
from openers.api.oauth.reading import read_query
from openers.api.oauth.remote import BadReply
from openers.api.oauth.upstream import UpstreamProvider
from openers.domain.credentials import AuthorisationRequest
from openers.domain.errors import Unavailable
from openers.identity.errors import OAuthError, invalid_request
from openers.identity.log_in import PAGE_LIFE, WaitingForUpstream, keep_waiting, peek_waiting, take_waiting
from openers.identity.opaque import new_secret


async def go_upstream(call: OAuthCall, request: AuthorisationRequest, upstream: UpstreamProvider) -> Response:
    """Redirect the browser to the upstream provider's log-in."""
    browser, expires = new_secret(), call.now + PAGE_LIFE
    waiting = WaitingForUpstream(request, expires, nonce=new_secret(), verifier=new_secret())
    try:
        await upstream.metadata(call.now)
    except Unavailable:
        raise ClientRefusal(
            request, OAuthError.TEMPORARILY_UNAVAILABLE, "The OpenID provider does not respond"
        ) from None
    call.entry.outcome = 303
    async with call.world.begin("go to the OpenID provider") as tx:
        handle = await keep_waiting(tx, waiting, browser)
    call.recorded = True
    address = await upstream.log_in_address(waiting, handle, call.now)
    return remember(call, redirect(address), handle, browser)


async def come_back(call: OAuthCall) -> Response:
    """GET /oauth2/callback: handle the browser's return from the upstream provider."""
    upstream = call.deps.upstream
    if upstream is None:
        raise invalid_request("No OpenID provider is configured for log-ins")
    sent = read_query(call.request)
    handle = sent.needed("state")
    browser = browser_of(call, handle) or ""
    async with call.world.read() as tx:
        waiting = await peek_waiting(tx, WaitingForUpstream, handle, browser, call.now)
    request = waiting.request
    if "code" not in sent or sent.get("iss", upstream.issuer) != upstream.issuer:
        raise ClientRefusal(request, OAuthError.ACCESS_DENIED, "The person did not log in at the OpenID provider")
    try:
        proved = await upstream.redeem(sent["code"], waiting, call.now)
    except BadReply:
        raise ClientRefusal(
            request, OAuthError.ACCESS_DENIED, "The OpenID provider did not confirm the log-in"
        ) from None
    except Unavailable:
        raise ClientRefusal(
            request, OAuthError.TEMPORARILY_UNAVAILABLE, "The OpenID provider does not respond"
        ) from None
    call.entry.outcome = 303
    async with call.world.begin("log in") as tx:
        await take_waiting(tx, WaitingForUpstream, handle, browser, call.now)
        user = await tx.directory.user(proved.user)
        if user is None or not user.active:
            raise ClientRefusal(request, OAuthError.ACCESS_DENIED, "The person is not a user of this service")
        code = await begin_log_in(call, tx, request, user, proved.assurance)
    call.recorded = True
    return forget(call, send_back(call, request, {"code": code}), handle)
