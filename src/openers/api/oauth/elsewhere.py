"""Log-in in production: the browser logs in at the upstream OpenID provider and returns with its code.

Source: OpenID Connect Core chapter 3.1, RFC 9207.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from starlette.responses import Response

from openers.api.oauth.browser import (
    ClientRefusal,
    begin_log_in,
    browser_of,
    enter,
    forget,
    redirect,
    remember,
    send_back,
)
from openers.api.oauth.call import OAuthCall
from openers.api.oauth.reading import Parameters, read_query
from openers.api.oauth.remote import BadReply
from openers.api.oauth.upstream import UpstreamProvider
from openers.domain.credentials import AuthorisationRequest
from openers.domain.directory import User
from openers.domain.errors import Unavailable
from openers.identity.claims import UserInfo, person_of
from openers.identity.errors import OAuthError, invalid_request
from openers.identity.id_tokens import CLOCK_SKEW, IdToken
from openers.identity.log_in import PAGE_LIFE, LoggedIn, WaitingForUpstream, keep_waiting, peek_waiting, take_waiting
from openers.identity.opaque import new_secret
from openers.identity.single_sign_on import Wish
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.claimed_roles import take_claims

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
    answer = await _answer(call, upstream, sent, waiting)
    return forget(call, await _log_in(call, waiting, answer, (handle, browser)), handle)


class _Answer(NamedTuple):
    """What the provider has said about the person: the ID token and, if roles come from claims, the userinfo."""

    proved: IdToken
    info: UserInfo | None


async def _answer(
    call: OAuthCall, upstream: UpstreamProvider, sent: Parameters, waiting: WaitingForUpstream
) -> _Answer:
    """Return the provider's answer to a log-in. Raises ClientRefusal."""
    request = waiting.request
    if waiting.wish.is_silent and sent.get("error") in SILENT_REFUSALS:
        raise ClientRefusal(request, OAuthError.LOGIN_REQUIRED, "A person has to log in at the OpenID provider")
    if "code" not in sent or sent.get("iss", upstream.issuer) != upstream.issuer:
        raise ClientRefusal(request, OAuthError.ACCESS_DENIED, "The person did not log in at the OpenID provider")
    try:
        answer = await upstream.redeem(sent["code"], waiting, call.now)
        info = await upstream.claims(answer, call.now) if call.deps.roles_from_claims else None
    except BadReply:
        raise ClientRefusal(
            request, OAuthError.ACCESS_DENIED, "The OpenID provider did not confirm the log-in"
        ) from None
    except Unavailable:
        raise ClientRefusal(
            request, OAuthError.TEMPORARILY_UNAVAILABLE, "The OpenID provider does not respond"
        ) from None
    if not _is_recent(answer.proved, waiting):
        raise ClientRefusal(request, OAuthError.LOGIN_REQUIRED, "The OpenID provider did not ask the person again")
    return _Answer(answer.proved, info)


async def _log_in(call: OAuthCall, waiting: WaitingForUpstream, answer: _Answer, secrets: tuple[str, str]) -> Response:
    """Log the person in, and take over their roles if these come from claims, also if none is left."""
    call.entry.outcome, entered = 303, None
    async with call.world.begin("log in") as tx:
        await take_waiting(tx, WaitingForUpstream, *secrets, call.now)
        user = await _user(call, tx, answer)
        if user is None:
            call.entry.application, call.entry.code = waiting.request.client_id, OAuthError.ACCESS_DENIED
        else:
            who = LoggedIn(user.id, answer.proved.assurance, answer.proved.authenticated)
            entered = await begin_log_in(call, tx, waiting.request, who)
    call.recorded = True
    if entered is not None:
        return enter(call, waiting.request, entered)
    description = "The person is not a user of this service, or has no role in it"
    answered = {"error": str(OAuthError.ACCESS_DENIED), "error_description": description}
    return send_back(call, waiting.request, answered)


async def _user(call: OAuthCall, tx: Tx, answer: _Answer) -> User | None:
    """Return the person who may log in: from the directory, or as the claims describe them; `None` if they may not."""
    proved, info = answer
    if info is None:
        user = await tx.directory.user(proved.user)
        return user if user is not None and user.active else None
    user = await take_claims(tx, person_of(info, proved.user, proved.assurance), call.now)
    return user if user.active and user.roles else None


def _is_recent(proved: IdToken, waiting: WaitingForUpstream) -> bool:
    """Return whether the provider asked the person as recently as the application wishes."""
    began, wish = waiting.expires - PAGE_LIFE - CLOCK_SKEW, waiting.wish
    if wish.asks and proved.authenticated < began:
        return False
    return wish.max_age_s is None or proved.authenticated >= began - timedelta(seconds=wish.max_age_s)
