"""The values that tie a log-in to the program that began it: `state` and the code verifier. Source: RFC 7636."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from openers_client.errors import LogInFailed


def _verifier() -> str:
    return secrets.token_urlsafe(48)


def _state() -> str:
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class Challenge:
    """The secrets of one log-in."""

    verifier: str = field(default_factory=_verifier, repr=False)
    state: str = field(default_factory=_state, repr=False)

    def parameters(self, client_id: str, redirect_uri: str) -> dict[str, str]:
        """Return the parameters of the authorisation address."""
        digest = base64.urlsafe_b64encode(sha256(self.verifier.encode()).digest())
        return {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": "openid",
            "state": self.state,
            "code_challenge": digest.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }

    def code(self, brought: Mapping[str, str]) -> str:
        """Return the code in the parameters of the redirect. Raises LogInFailed."""
        if "error" in brought:
            raise LogInFailed(f"{brought['error']}: {brought.get('error_description', '')}")
        if not secrets.compare_digest(brought.get("state", "").encode(), self.state.encode()) or "code" not in brought:
            raise LogInFailed("the reply does not belong to this log-in")
        return brought["code"]

    def form(self, code: str, redirect_uri: str) -> dict[str, str]:
        """Return the form that exchanges the code for tokens."""
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": self.verifier,
        }
