"""What an application does with each request: session, form token, access token, log-in when there is no session."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final, Literal, TypedDict
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from openers_web.addresses import own_path
from openers_web.csrf import FORM_TOKEN, FormTokens, check_origin
from openers_web.form import Form, read_form
from openers_web.log_in.provider import ProviderFailed
from openers_web.log_in.relying_party import BadLogOutToken, RelyingParty
from openers_web.parts.texts import Flash
from openers_web.sessions import LOG_IN_S, NoSession, Session, SessionStore, StateTooLarge

HOST_PREFIX: Final = "__Host-"
ID_LENGTH: Final = 43


class LogInNeeded(Exception):
    """There is no session, or it has ended. `form` is what was sent, `is_kept` whether it became a draft."""

    def __init__(self, form: Form | None = None, *, is_kept: bool = False) -> None:
        """Keep what happened to the form."""
        super().__init__("log in to continue")
        self.form, self.is_kept = form, is_kept


class Visit(msgspec.Struct, frozen=True):
    """A request of somebody who is logged in."""

    id: str
    session: Session
    form_token: str


class _Where(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


class Gate:
    """The sessions of one application in browsers.

    `base_url` is the application's own address. Browsers share cookies between ports, so the names hold the
    application and its port.
    """

    def __init__(self, name: str, base_url: str, party: RelyingParty, store: SessionStore, tokens: FormTokens) -> None:
        """Prepare the names of the cookies."""
        address = urlsplit(base_url)
        self.base_url = base_url.rstrip("/")
        self._host = address.netloc
        self._party, self._store, self._tokens = party, store, tokens
        self._is_https = address.scheme == "https"
        port = address.port or (443 if self._is_https else 80)
        prefix = f"{HOST_PREFIX if self._is_https else ''}{name}_{port}"
        self.session_cookie, self.browser_cookie = f"{prefix}_session", f"{prefix}_browser"

    async def visit(self, request: Request) -> Visit:
        """Return who sends the request. Raises LogInNeeded."""
        id = _secret(request, self.session_cookie)
        try:
            session = await self._store.read(id)
        except NoSession:
            raise LogInNeeded from None
        return Visit(id, session, self._tokens.token(id))

    async def form(self, request: Request) -> tuple[Visit, Form]:
        """Return who sends a form, and the form. Raises Forged, BadForm, LogInNeeded.

        If the session has ended, the form is kept as a draft of the person whose session it was, and the page after
        the next log-in can show it again (`draft`).
        """
        check_origin(request.method, request.headers, self._host)
        form = await read_form(request)
        id = _secret(request, self.session_cookie)
        self._tokens.check(id, form.text(FORM_TOKEN))
        try:
            return await self.visit(request), form
        except LogInNeeded:
            raise LogInNeeded(form, is_kept=await self._keep_draft(id, request.url.path, form)) from None

    def form_token(self, request: Request) -> str:
        """Return the token for a form of this browser, also of one without a session."""
        return self._tokens.token(_secret(request, self.session_cookie))

    def check(self, request: Request, token: str) -> None:
        """Raise Forged unless a form that the application has read itself, such as one with files, is ours."""
        check_origin(request.method, request.headers, self._host)
        self._tokens.check(_secret(request, self.session_cookie), token)

    async def access_token(self, visit: Visit) -> str:
        """Return an access token for calls in the name of the visitor. Raises LogInNeeded, ProviderFailed."""
        try:
            return await self._party.access_token(visit.id)
        except NoSession:
            raise LogInNeeded from None

    async def change(self, visit: Visit, change: Callable[[Session], Session]) -> Visit:
        """Return the visit with a changed session. Raises LogInNeeded."""
        try:
            return msgspec.structs.replace(visit, session=await self._store.change(visit.id, change))
        except NoSession:
            raise LogInNeeded from None

    async def flash(self, visit: Visit, message: Flash) -> None:
        """Keep a message for the next page."""
        await self.change(visit, lambda session: msgspec.structs.replace(session, flashes=(*session.flashes, message)))

    async def flashes(self, visit: Visit) -> tuple[Flash, ...]:
        """Return the messages for this page, once."""
        if visit.session.flashes:
            await self.change(visit, lambda session: msgspec.structs.replace(session, flashes=()))
        return visit.session.flashes

    async def draft(self, visit: Visit, path: str) -> Form | None:
        """Return what the visitor typed on a path when the session ended, once."""
        pairs = await self._store.draft(visit.session.person.subject, path)
        if pairs is None:
            return None
        await self._store.drop_draft(visit.session.person.subject, path)
        return Form(pairs)

    async def begin(self, request: Request) -> Response:
        """Send the browser to the provider; it comes back to the path in `return_to`. Raises ProviderFailed."""
        browser = _secret(request, self.browser_cookie) or secrets.token_urlsafe(32)
        return_to = own_path(request.query_params.get("return_to", ""))
        address = await self._party.begin(browser, return_to, request.query_params)
        reply = _redirect(address)
        reply.set_cookie(self.browser_cookie, browser, max_age=LOG_IN_S, **self._where())
        return reply

    async def finish(self, request: Request) -> Response:
        """Begin a session with a new id, whatever cookie the browser sent. Raises LogInFailed, ProviderFailed."""
        browser = _secret(request, self.browser_cookie)
        id, return_to = await self._party.finish(browser, request.query_params)
        before = _secret(request, self.session_cookie)
        if before:
            await self._store.end(before)
        reply = _redirect(return_to)
        reply.set_cookie(self.session_cookie, id, **self._where())
        return reply

    async def end(self, request: Request) -> tuple[Response, str | None]:
        """End the session of a log-out form; return the reply to complete, and the provider's log-out address.

        Raises Forged, BadForm.
        """
        check_origin(request.method, request.headers, self._host)
        id = _secret(request, self.session_cookie)
        self._tokens.check(id, (await read_form(request)).text(FORM_TOKEN))
        try:
            further = await self._party.log_out(id, f"{self.base_url}/")
        except ProviderFailed:
            further = None  # the session here has ended all the same
        reply = Response()
        reply.delete_cookie(self.session_cookie, **self._where())
        return reply, further

    async def end_by_provider(self, request: Request) -> Response:
        """Answer the provider's call that ends sessions."""
        form = await read_form(request)
        try:
            await self._party.end_by_provider(form.text("logout_token"))
        except BadLogOutToken as error:
            return Response(str(error), 400, {"cache-control": "no-store"}, "text/plain")
        return Response(status_code=200, headers={"cache-control": "no-store"})

    async def _keep_draft(self, id: str, path: str, form: Form) -> bool:
        owner = await self._store.owner(id)
        if owner is None:
            return False
        try:
            await self._store.keep_draft(owner, path, form.pairs)
        except StateTooLarge:
            return False
        return True

    def _where(self) -> _Where:
        """Return the attributes of cookies. `Strict` would lose them on the way back from the provider."""
        return _Where(path="/", secure=self._is_https, httponly=True, samesite="lax")


def _secret(request: Request, cookie: str) -> str:
    """Return the value of a cookie if it can be one of ours, else an empty text."""
    value = request.cookies.get(cookie, "")
    return value if len(value) == ID_LENGTH else ""


def _redirect(address: str) -> Response:
    return RedirectResponse(address, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
