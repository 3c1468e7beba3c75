"""Log-in in production: the browser logs in at the upstream OpenID provider and returns with its code.

Source: OpenID Connect Core chapter 3.1, RFC 9207.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from openers.api.oauth.browser import ClientRefusal, begin_log_in, browser_of, enter, forget, redirect, remember
from openers.api.oauth.call import OAuthCall
from openers.api.oauth.reading import read_query
from openers.api.oauth.remote import BadReply
from openers.api.oauth.upstream import UpstreamProvider
from openers.domain.credentials import AuthorisationRequest
from openers.domain.errors import Unavailable
from openers.identity.errors import OAuthError, invalid_request
from openers.identity.id_tokens import CLOCK_SKEW, IdToken
from openers.identity.log_in import PAGE_LIFE, LoggedIn, WaitingForUpstream, keep_waiting, peek_waiting, take_waiting
from openers.identity.opaque import new_secret
from openers.identity.single_sign_on import Wish

SILENT_REFUSALS: Final = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)
"""Errors with which a provider says that it would have to ask the person."""


async def go_upstream(
    call: OAuthCall, request: AuthorisationRequest, upstream: UpstreamProvider, wish: Wish
) -> Response:
    """Redirect the browser to the upstream provider's log-in."""
    browser, expires = new_secret(), call.now + PAGE_LIFE
    waiting = WaitingForUpstream(request, expires, nonce=new_secret(), verifier=new_secret(), wish=wish)
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
    if waiting.wish.is_silent and sent.get("error") in SILENT_REFUSALS:
        raise ClientRefusal(request, OAuthError.LOGIN_REQUIRED, "A person has to log in at the OpenID provider")
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
    if not _is_recent(proved, waiting):
        raise ClientRefusal(request, OAuthError.LOGIN_REQUIRED, "The OpenID provider did not ask the person again")
    call.entry.outcome = 303
    async with call.world.begin("log in") as tx:
        await take_waiting(tx, WaitingForUpstream, handle, browser, call.now)
        user = await tx.directory.user(proved.user)
        if user is None or not user.active:
            raise ClientRefusal(request, OAuthError.ACCESS_DENIED, "The person is not a user of this service")
        entered = await begin_log_in(call, tx, request, LoggedIn(user.id, proved.assurance, proved.authenticated))
    call.recorded = True
    return forget(call, enter(call, request, entered), handle)


def _is_recent(proved: IdToken, waiting: WaitingForUpstream) -> bool:
    """Return whether the provider asked the person as recently as the application wishes."""
    began, wish = waiting.expires - PAGE_LIFE - CLOCK_SKEW, waiting.wish
    if wish.asks and proved.authenticated < began:
        return False
    return wish.max_age_s is None or proved.authenticated >= began - timedelta(seconds=wish.max_age_s)
