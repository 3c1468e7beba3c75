"""Authenticates the application that calls the token endpoint, by a signed assertion or by its secret.

The token and revocation endpoints call this module. Source: RFC 6749 chapter 2.3, RFC 7523.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import Application
from openers.identity.assertions import Assertion, issuer_of, prove_assertion, read_assertion, use_assertion
from openers.identity.errors import invalid_client, invalid_request
from openers.identity.opaque import digest, same
from openers.usecases.ports.transaction import Directory, Tx

CLIENT_ID: Final = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)


class ByAssertion(msgspec.Struct, frozen=True):
    """Credentials of a client that sends a signed assertion; `client_id` is the parameter beside it, if sent."""

    assertion: str
    client_id: str | None = None


class BySecret(msgspec.Struct, frozen=True):
    """Credentials of a client that sends its id and secret."""

    client_id: str
    secret: str


class Client(msgspec.Struct, frozen=True):
    """An authenticated client. `use` still has to mark its assertion, if any, as used."""

    application: Application
    assertion: Assertion | None = None

    async def use(self, tx: Tx) -> None:
        """Mark the assertion as used, in the transaction of the operation it authenticates. Raises OAuthRefusal."""
        if self.assertion is not None:
            await use_assertion(tx, self.assertion)


async def registered(client_id: str, directory: Directory, *, with_test_only: bool) -> Application | None:
    """Return the application with this id; test applications, whose keys are public, only if `with_test_only`."""
    application = await directory.application(client_id) if CLIENT_ID.fullmatch(client_id) else None
    return None if application is None or (application.test_only and not with_test_only) else application


class ClientCheck(msgspec.Struct, frozen=True):
    """How clients authenticate here: assertions must name one of `audiences`.

    These are the token endpoint's address (RFC 7523 chapter 3) and the issuer, which newer client libraries send.
    """

    audiences: tuple[str, ...]
    with_test_only: bool

    async def prove(self, sent: ByAssertion | BySecret, directory: Directory, now: Instant) -> Client:
        """Return the client that `sent` authenticates. Raises OAuthRefusal."""
        if isinstance(sent, ByAssertion):
            return await self._by_assertion(sent, directory, now)
        return await self._by_secret(sent, directory)

    async def _by_assertion(self, sent: ByAssertion, directory: Directory, now: Instant) -> Client:
        token = read_assertion(sent.assertion)
        issuer = issuer_of(token)
        if sent.client_id is not None and sent.client_id != issuer:
            raise invalid_request("client_id must be that of the client_assertion")
        application = await registered(issuer, directory, with_test_only=self.with_test_only)
        if application is None:
            raise invalid_client("Invalid 'iss'/'sub' claims in client_assertion JWT - no such application")
        return Client(application, prove_assertion(token, application, self.audiences, now))

    async def _by_secret(self, sent: BySecret, directory: Directory) -> Client:
        application = await registered(sent.client_id, directory, with_test_only=self.with_test_only)
        wanted = application.secret_sha256 if application else None
        if application is None or wanted is None or not same(digest(sent.secret), wanted.lower()):
            raise invalid_client("Invalid client_id or client_secret")
        return Client(application)
