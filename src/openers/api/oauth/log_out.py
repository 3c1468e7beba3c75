"""The log-out endpoint: an application sends the browser here, and the session ends in all applications.

With an ID token of the session (`id_token_hint`) it ends at once. Without one anybody could have sent the browser, so
the person confirms it on a page. Wrong requests change nothing. Source: OpenID Connect RP-Initiated Logout 1.0.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from starlette.responses import Response

from openers.api.oauth.browser import (
    browser_of,
    check_address,
    drop_session,
    forget,
    page,
    redirect,
    remember,
    session_secret,
)
from openers.api.oauth.call import OAuthCall
from openers.api.oauth.reading import Parameters, read_form, read_query
from openers.domain.credentials import Application, Session
from openers.identity.clients import registered
from openers.identity.errors import invalid_request
from openers.identity.id_tokens import Hint, InvalidIdToken, read_hint
from openers.identity.log_in import PAGE_LIFE, WaitingToLogOut, keep_waiting, take_waiting
from openers.identity.opaque import new_secret
from openers.identity.redirects import with_answer
from openers.identity.single_sign_on import session_of_browser
from openers.usecases.sessions.ending import end_session

LONGEST_STATE: Final = 2048


class _Asked(msgspec.Struct, frozen=True):
    """A valid request: whose session ends, if the application says so, and where the browser goes then."""

    hint: Hint | None
    back_to: str | None


async def log_out(call: OAuthCall) -> Response:
    """GET /oauth2/logout: end the session, or show the page that asks first."""
    return await _log_out(call, read_query(call.request))


async def log_out_or_confirm(call: OAuthCall) -> Response:
    """POST /oauth2/logout: handle a request, or the form of the page, which has a handle."""
    form = await read_form(call.request)
    return await (_confirm(call, form) if "handle" in form else _log_out(call, form))


async def _log_out(call: OAuthCall, sent: Parameters) -> Response:
    asked = await _read(call, sent)
    async with call.world.read() as tx:
        here = await session_of_browser(tx, session_secret(call), call.now)
    if asked.hint is None and here is not None:
        return await _ask(call, asked, here)
    return await _end(call, asked, here)


async def _read(call: OAuthCall, sent: Parameters) -> _Asked:
    """Return the request. Raises OAuthRefusal."""
    hint = _hint(call, sent)
    client_id = sent.get("client_id", "" if hint is None else hint.client_id)
    if hint is not None and hint.client_id != client_id:
        raise invalid_request("client_id must be that of the id_token_hint")
    async with call.world.read() as tx:
        application = await registered(client_id, tx.directory, with_test_only=not call.deps.production)
    if "client_id" in sent and application is None:
        raise invalid_request("Invalid client_id - no such application")
    call.entry.application = client_id if application is not None else ""
    return _Asked(hint, _back_to(call, sent, application))


def _hint(call: OAuthCall, sent: Parameters) -> Hint | None:
    if "id_token_hint" not in sent:
        return None
    try:
        return read_hint(sent["id_token_hint"], call.deps.signing_key, call.issuer)
    except InvalidIdToken as error:
        raise invalid_request(f"Invalid id_token_hint - {error}") from None


def _back_to(call: OAuthCall, sent: Parameters, application: Application | None) -> str | None:
    """Return the address to which the browser returns, with `state`. Raises OAuthRefusal."""
    address, state = sent.get("post_logout_redirect_uri"), sent.get("state")
    if address is None:
        return None
    if application is None:
        raise invalid_request("post_logout_redirect_uri needs an id_token_hint or a client_id")
    check_address(call, "post_logout_redirect_uri", address, application)
    if len(state or "") > LONGEST_STATE:
        raise invalid_request("state is too long")
    return address if state is None else with_answer(address, {"state": state})


async def _ask(call: OAuthCall, asked: _Asked, here: Session) -> Response:
    """Show the page on which the person confirms the log-out."""
    browser = new_secret()
    call.entry.outcome, call.entry.user, call.entry.session = 200, here.user, here.id
    async with call.world.begin("show log-out page") as tx:
        waiting = WaitingToLogOut(here.id, asked.back_to, call.now + PAGE_LIFE)
        handle = await keep_waiting(tx, waiting, browser)
        user = await tx.directory.user(here.user)
    call.recorded = True
    html = call.deps.pages.confirm_log_out(handle, str(here.user) if user is None else user.name, call.world.root)
    return remember(call, page(html, target=asked.back_to), handle, browser)


async def _confirm(call: OAuthCall, form: Parameters) -> Response:
    """Handle the submitted form of the page."""
    handle = form.needed("handle")
    browser = browser_of(call, handle) or ""
    call.entry.outcome = 303
    async with call.world.begin("log out") as tx:
        waiting = await take_waiting(tx, WaitingToLogOut, handle, browser, call.now)
        await end_session(tx, waiting.session, call.now)
        call.entry.session = waiting.session
    call.recorded = True
    return forget(call, _gone(call, (waiting.session,), waiting.back_to), handle)


async def _end(call: OAuthCall, asked: _Asked, here: Session | None) -> Response:
    """End the session that the application names, and the browser's own if it is of the same person."""
    hint, ended = asked.hint, list[str]()
    if hint is not None:
        ended = [hint.session]
        ended += [here.id] if here is not None and here.user == hint.user and here.id != hint.session else []
        call.entry.user, call.entry.session = hint.user, hint.session
        call.entry.outcome = 200 if asked.back_to is None else 303
        async with call.world.begin("log out") as tx:
            for session in ended:
                await end_session(tx, session, call.now)
        call.recorded = True
    reply = _gone(call, ended, asked.back_to)
    return reply if here is None or here.id in ended else _keep_cookie(reply)


def _gone(call: OAuthCall, ended: Collection[str], back_to: str | None) -> Response:
    """Drop cached tokens of the sessions; return the reply for a browser that is logged out."""
    for session in ended:
        call.deps.cache.forget(session)
    reply = page(call.deps.pages.logged_out(call.world.root)) if back_to is None else redirect(back_to)
    return drop_session(call, reply)


def _keep_cookie(reply: Response) -> Response:
    """Leave the cookie of another person's session, who has logged in with this browser since."""
    del reply.headers["set-cookie"]
    return reply
