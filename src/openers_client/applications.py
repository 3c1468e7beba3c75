"""Registered applications, and the tokens that the service issues to them. Source: OAuth 2.0 (RFC 6749, 7523)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from openers_client.errors import LogInFailed

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFE_S: Final = 240


@dataclass(frozen=True)
class Application:
    """A registered application: its id, its credential, and its registered address.

    The credential is its private key as JSON Web Key (with `kid`) or its secret.
    """

    client_id: str
    private_jwk: Mapping[str, str] | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    redirect_uri: str = "http://127.0.0.1/callback"

    def proof(self, token_url: str) -> dict[str, str]:
        """Return the form fields that authenticate the application at the token address, valid for one call."""
        if self.private_jwk is None:
            return {"client_id": self.client_id, "client_secret": self.secret or ""}
        assertion = client_assertion(token_url, self.client_id, self.private_jwk)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


@dataclass(frozen=True)
class Tokens:
    """The tokens of a log-in. `expires_in_s` is the access token's remaining lifetime in seconds."""

    access_token: str = field(repr=False)
    expires_in_s: int
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)


def client_assertion(token_url: str, client_id: str, private_jwk: Mapping[str, str]) -> str:
    """Return a signed JWT that authenticates an application, valid for one call."""
    from joserfc import jwt  # takes a quarter of a second, which commands without a log-in need not wait
    from joserfc.jwk import RSAKey

    now = int(time.time())
    claims: dict[str, str | int] = {"iss": client_id, "sub": client_id, "aud": token_url}
    claims |= {"iat": now, "exp": now + ASSERTION_LIFE_S, "jti": secrets.token_urlsafe(16)}
    header = {"alg": "RS512", "kid": private_jwk["kid"], "typ": "JWT"}
    return jwt.encode(header, dict(claims), RSAKey.import_key(dict(private_jwk)), algorithms=["RS512"])


def tokens_of(status: int, reply: Mapping[str, Any]) -> Tokens:
    """Return the tokens in a reply of the token address. Raises LogInFailed."""
    if status != 200 or "access_token" not in reply:
        raise LogInFailed(f"{reply.get('error', status)}: {reply.get('error_description', 'no token')}")
    return Tokens(
        access_token=str(reply["access_token"]),
        expires_in_s=int(reply.get("expires_in", 0)),
        refresh_token=reply.get("refresh_token"),
        id_token=reply.get("id_token"),
    )
