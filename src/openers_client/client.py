"""The client of a service: connections, log-ins and callers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

from openers_client.administration import Administration
from openers_client.applications import Application, Tokens
from openers_client.caller import Caller
from openers_client.log_in import log_in
from openers_client.oauth import LOG_IN_WITHIN_S, Authority, Browse, open_browser
from openers_client.operations.base import Calling
from openers_client.retries import RetryPolicy
from openers_client.roles import Role
from openers_client.sessions import Session
from openers_client.transport import Transport, Watch


class ErsClient:
    """A client of the e-Referral Service at one address. Use it in an `async with` statement, or close it.

    It works with any service of the published interface, and with a world by its own address.
    """

    def __init__(
        self,
        base_url: str,
        *,
        issuer: str | None = None,
        headers: Mapping[str, str] | None = None,
        retry: RetryPolicy | None = None,
        watch: Watch | None = None,
    ) -> None:
        """`base_url` is the address before `/referrals/FHIR`.

        `issuer` is the address of the OpenID provider, by default `base_url`. `headers` go with each call. `watch`
        sees each of them with its reply.
        """
        self.base_url: Final = base_url.rstrip("/")
        self._headers = dict(headers or {})
        self._transport = Transport(retry or RetryPolicy(), watch=watch)
        self._authority = Authority(self._transport, (issuer or self.base_url).rstrip("/"), self._headers)

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    def caller(self, session: Session, role: Role | None = None) -> Caller:
        """Return the operations of a session in a role. Applications, and `my_roles` (A030), need no role."""
        return Caller(Calling(self._transport, self.base_url, session, role, self._headers))

    def administration(self, session: Session, role: Role | None = None) -> Administration:
        """Return the registers of the administration API, for an application that may administer or a person."""
        return Administration(Calling(self._transport, self.base_url, session, role, self._headers))

    async def log_in(
        self, application: Application, browse: Browse = open_browser, within_s: float = LOG_IN_WITHIN_S
    ) -> Session:
        """Log a user in with their browser. The application needs a loopback redirect address.

        Raises LogInFailed, also after `within_s` seconds; ServiceUnreachable.
        """
        return await self._authority.log_in(application, browse, within_s)

    async def log_in_as(self, application: Application, user_id: str) -> Session:
        """Log a user in without a browser, through the log-in page that only services in test mode have.

        Raises LogInFailed, ServiceUnreachable.
        """
        tokens = await asyncio.to_thread(log_in, self.base_url, user_id, application, self._headers)
        return self.session(application, tokens)

    async def exchange_id_token(self, application: Application, id_token: str) -> Session:
        """Exchange the ID token of another log-in for a session (token exchange). Raises as `log_in` does."""
        return await self._authority.exchange(application, id_token)

    async def application_session(self, application: Application) -> Session:
        """Return a session of an application that acts for itself, by a signed JWT. Raises as `log_in` does."""
        return await self._authority.application_session(application)

    def session(self, application: Application, tokens: Tokens) -> Session:
        """Return a session of tokens that were stored before. It renews them if it has a refresh token."""
        return self._authority.session(application, tokens)
