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
WRONG_SECRET: Final = "Invalid client_id or client_secret"


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
    """Return the active application with this id; test applications, whose keys are public, if `with_test_only`."""
    application = await directory.application(client_id) if CLIENT_ID.fullmatch(client_id) else None
    if application is None or not application.active:
        return None
    return None if application.test_only and not with_test_only else application


class ClientCheck(msgspec.Struct, frozen=True):
    """How clients authenticate here: assertions must name one of `audiences`.

    These are the token endpoint's address (RFC 7523 chapter 3) and the issuer, which newer client libraries send.
    """

    audiences: tuple[str, ...]
    with_test_only: bool

    async def find(self, sent: ByAssertion | BySecret, directory: Directory) -> Application:
        """Return the application that `sent` claims to be, not proved yet. Raises OAuthRefusal."""
        application = await registered(_claimed(sent), directory, with_test_only=self.with_test_only)
        if application is not None:
            return application
        if isinstance(sent, BySecret):
            raise invalid_client(WRONG_SECRET)
        raise invalid_client("Invalid 'iss'/'sub' claims in client_assertion JWT - no such application")

    def prove(self, sent: ByAssertion | BySecret, application: Application, now: Instant) -> Client:
        """Return the client that `sent` authenticates as `application`. Raises OAuthRefusal."""
        if isinstance(sent, ByAssertion):
            return Client(
                application, prove_assertion(read_assertion(sent.assertion), application, self.audiences, now)
            )
        wanted = application.secret_sha256
        if wanted is None or not same(digest(sent.secret), wanted.lower()):
            raise invalid_client(WRONG_SECRET)
        return Client(application)


def _claimed(sent: ByAssertion | BySecret) -> str:
    """Return the client id that credentials claim. Raises OAuthRefusal."""
    if isinstance(sent, BySecret):
        return sent.client_id
    issuer = issuer_of(read_assertion(sent.assertion))
    if sent.client_id is not None and sent.client_id != issuer:
        raise invalid_request("client_id must be that of the client_assertion")
    return issuer
