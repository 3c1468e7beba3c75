"""Pages and redirects of a log-in, and the secret that identifies the browser.

The log-in on our own page and the one at the upstream provider share it.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, TypedDict
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from openers.api.oauth.call import OAuthCall, status_of
from openers.domain.credentials import AccessMode, Application, AuthorisationRequest, Session
from openers.identity.errors import OAuthError, OAuthRefusal, TooManyFailures, invalid_request
from openers.identity.log_in import PAGE_LIFE, LoggedIn, issue_code, log_in
from openers.identity.opaque import digest
from openers.identity.redirects import is_on_this_machine, is_registered, origin, with_answer
from openers.identity.single_sign_on import forget_browser, remember_browser, session_of_browser
from openers.usecases.ports.transaction import Tx
from openers_web.headers import PAGE_HEADERS, POLICY

COOKIE: Final = "openers-log-in-"
"""Prefix of our cookie names. Each log-in has its own cookie with a new secret. So a value that an attacker put into
the browser beforehand is never used, and log-ins in several tabs do not disturb each other.
"""
SESSION_COOKIE: Final = "openers-session-"
"""Prefix of the name of the cookie with a browser's session, by which other applications open without a question."""
HOST_PREFIX: Final = "__Host-"
"""Over https, other hosts and plain connections cannot set a cookie with this prefix. Source: RFC 6265bis chapter
4.1.3. Browsers then require `Secure`, so plain http (test mode on a developer's machine) omits the prefix.
"""
MOST_LOG_INS: Final = 10
"""Maximum unfinished log-ins of a browser; the cookies of earlier ones are removed."""
COOKIE_VALUE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class ClientRefusal(OAuthRefusal):
    """A refusal that may be sent to the client, since its address is verified."""

    def __init__(self, request: AuthorisationRequest, error: OAuthError, description: str) -> None:
        """Store `request`, which holds the address."""
        super().__init__(error, description)
        self.request = request


def check_address(call: OAuthCall, name: str, address: str, application: Application) -> None:
    """Refuse an address to which the application may not have the browser redirected. Raises OAuthRefusal.

    In test mode an application for people may also use any address of the browser's own machine.
    """
    registered = application.redirect_uris if name == "redirect_uri" else application.log_out_redirect_uris
    if is_registered(address, registered):
        return
    is_free = not call.deps.production and application.mode is AccessMode.USER_RESTRICTED
    if is_free and is_on_this_machine(address):
        return
    others = "; in test mode also any address of this machine" if is_free else ""
    raise invalid_request(
        f"Invalid {name} - must be one that the application has registered: {', '.join(registered) or 'none'}{others}"
    )


def page_refusal(call: OAuthCall, refusal: OAuthRefusal) -> Response:
    """Send a refusal to the client if its address is verified, else show it on a page."""
    if isinstance(refusal, ClientRefusal):
        answer = {"error": str(refusal.error), "error_description": refusal.description}
        return send_back(call, refusal.request, answer)
    reply = page(call.deps.pages.refusal(refusal.description, call.world.root), status=status_of(refusal.error))
    if isinstance(refusal, TooManyFailures):
        reply.headers["Retry-After"] = str(refusal.retry_after_s)
    return reply


class Entered(NamedTuple):
    """The result of a log-in: the code for the application, and the new secret of the browser's session."""

    code: str
    browser: str


async def begin_log_in(call: OAuthCall, tx: Tx, request: AuthorisationRequest, who: LoggedIn) -> Entered:
    """Log a person in with this browser, and record it in the audit entry."""
    old = session_secret(call)
    session = await log_in(tx, who, await session_of_browser(tx, old, call.now), call.now)
    await forget_browser(tx, old)
    browser = await remember_browser(tx, session)
    return Entered(await pass_on(call, tx, request, session), browser)


async def pass_on(call: OAuthCall, tx: Tx, request: AuthorisationRequest, session: Session) -> str:
    """Return the code with which a session answers `request`, and record it in the audit entry."""
    call.entry.user, call.entry.session, call.entry.application = session.user, session.id, request.client_id
    return await issue_code(tx, request, session, call.now)


def send_back(call: OAuthCall, request: AuthorisationRequest, answer: dict[str, str]) -> Response:
    """Redirect the browser to the client with an answer."""
    state = {} if request.state is None else {"state": request.state}
    return redirect(with_answer(request.redirect_uri, {**answer, **state, "iss": call.issuer}))


def enter(call: OAuthCall, request: AuthorisationRequest, entered: Entered) -> Response:
    """Redirect the browser, which keeps the session of the log-in, to the client with its code."""
    return keep_session(call, send_back(call, request, {"code": entered.code}), entered.browser)


def redirect(address: str) -> Response:
    """Redirect the browser to `address` by GET, without a referrer."""
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(address, 303, headers)


def page(html: str, target: str | None = None, status: int = 200) -> Response:
    """Return a page that must not be cached or framed; its form may submit only to this service and `target`."""
    form_targets = "'self'" if target is None else f"'self' {origin(target)}"
    policy = POLICY.replace("form-action 'self'", f"form-action {form_targets}")
    headers = {**PAGE_HEADERS, "content-security-policy": policy, "referrer-policy": "no-referrer"}
    if status == status_of(OAuthError.TEMPORARILY_UNAVAILABLE):
        headers["Retry-After"] = "5"
    return Response(html, status, headers, "text/html")


def browser_of(call: OAuthCall, handle: str) -> str | None:
    """Return the secret of the browser that began a log-in, if it sent a valid one."""
    value = call.request.cookies.get(_cookie(call, handle), "")
    return value if COOKIE_VALUE.fullmatch(value) else None


def remember(call: OAuthCall, reply: Response, handle: str, browser: str) -> Response:
    """Set the cookie with the browser's secret: hidden from scripts and not sent with forms of other sites."""
    reply.set_cookie(_cookie(call, handle), browser, max_age=int(PAGE_LIFE.total_seconds()), **_where(call))
    begun = [name for name in call.request.cookies if name.startswith(_prefix(call, COOKIE))]
    for name in begun[: max(0, len(begun) + 1 - MOST_LOG_INS)]:
        reply.delete_cookie(name, **_where(call))
    return reply


def forget(call: OAuthCall, reply: Response, handle: str) -> Response:
    """Delete the cookie of a log-in that has ended."""
    reply.delete_cookie(_cookie(call, handle), **_where(call))
    return reply


def session_secret(call: OAuthCall) -> str | None:
    """Return the secret of the session that the browser has here, if it sent a valid one."""
    value = call.request.cookies.get(_session_cookie(call), "")
    return value if COOKIE_VALUE.fullmatch(value) else None


def keep_session(call: OAuthCall, reply: Response, secret: str) -> Response:
    """Set the cookie of a new session. It ends with the browser; the session may end earlier."""
    reply.set_cookie(_session_cookie(call), secret, **_where(call))
    return reply


def drop_session(call: OAuthCall, reply: Response) -> Response:
    """Delete the cookie of a session that has ended."""
    reply.delete_cookie(_session_cookie(call), **_where(call))
    return reply


class _Where(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


def _where(call: OAuthCall) -> _Where:
    is_safe = _is_https(call)
    return _Where(path="/" if is_safe else f"{call.world.root}/oauth2", secure=is_safe, httponly=True, samesite="lax")


def _cookie(call: OAuthCall, handle: str) -> str:
    """Return the cookie name of a log-in."""
    return f"{_prefix(call, COOKIE)}{digest(handle)[:16]}"


def _session_cookie(call: OAuthCall) -> str:
    """Return the cookie name of a session in this world."""
    return f"{_prefix(call, SESSION_COOKIE)}{call.world.public_name}"


def _prefix(call: OAuthCall, kind: str) -> str:
    """Return the beginning of the cookie names of this service. Browsers send cookies to all ports of a host."""
    parts = urlsplit(call.deps.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{HOST_PREFIX if _is_https(call) else ''}{kind}{port}-"


def _is_https(call: OAuthCall) -> bool:
    return call.issuer.startswith("https://")
