"""The steps of a log-in: authorisation code with PKCE and nonce, refresh by one caller at a time, log-out.

Source: OpenID Connect Core 1.0 chapter 3.1, RP-Initiated Logout 1.0, Back-Channel Logout 1.0; RFC 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import anyio
import msgspec

from openers_web.log_in.provider import GrantRefused, Provider, ProviderFailed, TokenReply
from openers_web.sessions import Clock, NoSession, Person, Session, SessionStore, Tokens

EARLY_S: Final = 30
"""Tokens are refreshed this long before they expire."""
REFRESH_S: Final = 15
"""Time for one refresh; then another caller may try."""
LOOK_EVERY_S: Final = 0.05
LOG_OUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
BESIDES: Final = ("prompt", "login_hint", "max_age")


class LogInFailed(Exception):
    """The log-in cannot be finished; the text tells the user why and what to do."""


class BadLogOutToken(Exception):
    """A call to end sessions did not come from the provider."""


class Begun(msgspec.Struct, frozen=True):
    """What is kept of a log-in until the browser comes back."""

    browser: str
    nonce: str
    verifier: str
    return_to: str


class RelyingParty:
    """Logs people in at one provider."""

    def __init__(self, provider: Provider, store: SessionStore, callback: str, clock: Clock) -> None:
        """`callback` is the complete address to which the provider sends the browser back."""
        self._provider, self._store, self._callback, self._clock = provider, store, callback, clock

    async def begin(self, browser: str, return_to: str, besides: Mapping[str, str]) -> str:
        """Return the provider's address for a log-in of this browser. Raises ProviderFailed.

        `browser` is a secret in a cookie, so that an answer counts only in the browser that asked. `besides` may hold
        `prompt`, `login_hint` and `max_age`.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        addresses = await self._provider.addresses()
        await self._store.keep_log_in(state, Begun(browser, nonce, verifier, return_to))
        asked = {
            "response_type": "code",
            "client_id": self._provider.client.client_id,
            "redirect_uri": self._callback,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **{name: value for name, value in besides.items() if name in BESIDES and value},
        }
        return f"{addresses.authorization_endpoint}?{urlencode(asked)}"

    async def finish(self, browser: str, answer: Mapping[str, str]) -> tuple[str, str]:
        """Return the id of a new session and the path to return to. Raises LogInFailed, ProviderFailed."""
        begun = await self._store.take_log_in(answer.get("state", ""), Begun)
        if begun is None:
            raise LogInFailed("This log-in is too old or was already used. Log in again.")
        if not browser or not hmac.compare_digest(begun.browser, browser):
            raise LogInFailed("This log-in was begun in another browser. Log in again.")
        if answer.get("iss", self._provider.client.issuer) != self._provider.client.issuer:
            raise LogInFailed("The answer comes from another provider. Log in again.")
        if "error" in answer:
            raise LogInFailed(_refused(answer["error"]))
        reply = await self._grant(answer.get("code", ""), begun.verifier)
        claims = await self._provider.claims(reply.id_token)
        if not hmac.compare_digest(str(claims.get("nonce", "")), begun.nonce):
            raise LogInFailed("The provider's answer belongs to another log-in. Log in again.")
        subject = str(claims["sub"])
        name = str(claims.get("name") or await self._provider.name_of(subject, reply.access_token) or subject)
        person = Person(subject, name, claims)
        session = Session(person, self._tokens(reply, Tokens("", 0)))
        return await self._store.begin(session, str(claims.get("sid", ""))), begun.return_to

    async def access_token(self, id: str) -> str:
        """Return an access token of a session, refreshed if it is about to expire. Raises NoSession, ProviderFailed.

        Of several callers in any process one refreshes, since the provider takes a refresh token once; the others wait.
        A session whose refresh is refused ends.
        """
        with anyio.move_on_after(2 * REFRESH_S):
            while True:
                session = await self._store.read(id)
                if session.tokens.access_until > self._clock() + EARLY_S:
                    return session.tokens.access
                if await self._store.claim_refresh(id, REFRESH_S):
                    return await self._refresh(id)
                await anyio.sleep(LOOK_EVERY_S)
        raise ProviderFailed("the session's tokens are being refreshed by another call that does not end")

    async def log_out(self, id: str, back_to: str) -> str | None:
        """End a session; return the provider's address that ends its session there, if it has one."""
        try:
            session = await self._store.read(id)
        except NoSession:
            return None
        await self._store.end(id)
        address = (await self._provider.addresses()).end_session_endpoint
        if address is None:
            return None
        asked = {
            "client_id": self._provider.client.client_id,
            "id_token_hint": session.tokens.id_token,
            "post_logout_redirect_uri": back_to,
        }
        return f"{address}?{urlencode(asked)}"

    async def end_by_provider(self, log_out_token: str) -> int:
        """End the sessions that a back-channel log-out token names; return how many. Raises BadLogOutToken."""
        try:
            claims = await self._provider.claims(log_out_token)
        except ProviderFailed as error:
            raise BadLogOutToken(str(error)) from error
        events: object = claims.get("events")
        sid, subject = claims.get("sid"), claims.get("sub")
        if not isinstance(events, dict) or LOG_OUT_EVENT not in events or "nonce" in claims:
            raise BadLogOutToken("the token is no log-out token")
        if not isinstance(sid, str) and not isinstance(subject, str):
            raise BadLogOutToken("the token names neither a session nor a person")
        return await self._store.end_at_provider(str(sid or ""), str(subject or ""))

    async def _refresh(self, id: str) -> str:
        """Refresh the tokens that are stored now: another caller may have done so just before this one claimed it."""
        tokens = (await self._store.read(id)).tokens
        try:
            if tokens.access_until > self._clock() + EARLY_S:
                return tokens.access
            grant = {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
            fresh = self._tokens(await self._provider.token(grant), tokens)
            await self._store.change(id, lambda session: msgspec.structs.replace(session, tokens=fresh))
        except GrantRefused as error:
            await self._store.end(id)
            raise NoSession from error
        finally:
            await self._store.release_refresh(id)  # after the new tokens are stored, so that nobody sends the old one
        return fresh.access

    async def _grant(self, code: str, verifier: str) -> TokenReply:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._callback}
        try:
            return await self._provider.token({**form, "code_verifier": verifier})
        except GrantRefused as error:
            raise LogInFailed("The provider does not accept this log-in any more. Log in again.") from error

    def _tokens(self, reply: TokenReply, before: Tokens) -> Tokens:
        return Tokens(
            access=reply.access_token,
            access_until=self._clock() + reply.expires_in,
            refresh=reply.refresh_token or before.refresh,
            id_token=reply.id_token or before.id_token,
        )


def _challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier. Source: RFC 7636 chapter 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refused(error: Any) -> str:
    match error:
        case "access_denied":
            return "The log-in was cancelled."
        case "login_required" | "interaction_required":
            return "You are not logged in. Log in to continue."
        case "temporarily_unavailable" | "server_error":
            return "The provider cannot log you in now. Try again in a minute."
        case _:
            return "The provider refused the log-in. Log in again; if it happens again, tell the service desk."
