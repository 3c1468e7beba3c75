"""Sessions from the token address: by code, ID token or signed JWT. Source: OAuth 2.0 (RFC 6749, 7523, 8252, 8693)."""

from __future__ import annotations

import asyncio
import webbrowser
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from openers_client.applications import Application, Tokens, tokens_of
from openers_client.errors import LogInFailed
from openers_client.loopback import listening
from openers_client.pkce import Challenge
from openers_client.sessions import Session
from openers_client.transport import Request, Transport, content_of

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN: Final = "urn:ietf:params:oauth:token-type:id_token"
LOG_IN_WITHIN_S: Final = 300

Browse = Callable[[str], Awaitable[object]]
"""Opens an address in the user's browser."""


async def open_browser(address: str) -> None:
    """Open an address in the browser of this machine. Raises LogInFailed if there is none."""
    if not await asyncio.to_thread(webbrowser.open, address):
        raise LogInFailed(f"no browser could be opened: open {address} yourself, or pass `browse`")


@dataclass(frozen=True)
class Provider:
    """The addresses of an OpenID provider."""

    authorize_url: str
    token_url: str


class Authority:
    """The OpenID provider of a service, which issues the tokens."""

    def __init__(self, transport: Transport, issuer: str, headers: Mapping[str, str]) -> None:
        """`issuer` is the address below which the provider publishes its metadata. `headers` go with each call."""
        self._transport = transport
        self._headers = headers
        self._issuer = issuer
        self._found: Provider | None = None

    async def log_in(self, application: Application, browse: Browse, within_s: float = LOG_IN_WITHIN_S) -> Session:
        """Log a user in with their browser, which returns the code to a listener on this machine.

        Raises LogInFailed, also after `within_s` seconds; ServiceUnreachable.
        """
        provider, challenge = await self._provider(), Challenge()
        async with listening(application.redirect_uri) as redirect:
            asked = challenge.parameters(application.client_id, redirect.uri)
            await browse(f"{provider.authorize_url}?{urlencode(asked)}")
            try:
                brought = await asyncio.wait_for(redirect.brought, within_s)
            except TimeoutError:
                raise LogInFailed(f"nobody logged in within {within_s:.0f} s") from None
        return await self._session(application, challenge.form(challenge.code(brought), redirect.uri))

    async def exchange(self, application: Application, id_token: str) -> Session:
        """Exchange an ID token for a session (separate log-in). Raises LogInFailed, ServiceUnreachable."""
        form = {"grant_type": TOKEN_EXCHANGE, "subject_token": id_token, "subject_token_type": ID_TOKEN}
        return await self._session(application, form)

    async def application_session(self, application: Application) -> Session:
        """Return a session of an application that acts for itself. Raises LogInFailed, ServiceUnreachable."""

        async def _again(_: Tokens) -> Tokens:
            return await self._grant(application, {"grant_type": "client_credentials"})

        return Session(await self._grant(application, {"grant_type": "client_credentials"}), _again)

    def session(self, application: Application, tokens: Tokens) -> Session:
        """Return a session of tokens that were issued before. It renews them if it has a refresh token."""

        async def _refresh(old: Tokens) -> Tokens:
            form = {"grant_type": "refresh_token", "refresh_token": old.refresh_token or ""}
            new = await self._grant(application, form)
            return new if new.refresh_token else replace(new, refresh_token=old.refresh_token)

        return Session(tokens, _refresh if tokens.refresh_token else None)

    async def _session(self, application: Application, form: Mapping[str, str]) -> Session:
        return self.session(application, await self._grant(application, form))

    async def _grant(self, application: Application, form: Mapping[str, str]) -> Tokens:
        token_url = (await self._provider()).token_url
        proof = await asyncio.to_thread(application.proof, token_url)  # signing takes milliseconds
        headers = {**self._headers, "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        body = urlencode({**form, **proof}).encode()
        reply = await self._transport.send(Request("POST", token_url, headers, content_of(body)))
        return tokens_of(reply.status, reply.json_or_empty())

    async def _provider(self) -> Provider:
        if self._found is None:
            address = f"{self._issuer}/.well-known/openid-configuration"
            reply = await self._transport.send(Request("GET", address, self._headers, repeatable=True))
            told = reply.json_or_empty()
            if reply.status != 200 or not {"authorization_endpoint", "token_endpoint"} <= told.keys():
                raise LogInFailed(f"{address} returned {reply.status} and no metadata of an OpenID provider")
            self._found = Provider(str(told["authorization_endpoint"]), str(told["token_endpoint"]))
        return self._found
