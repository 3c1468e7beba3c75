"""Refusals of log-ins and tokens.

    Refused
      InvalidToken    a bearer token that is unknown, expired or ended
      OAuthRefusal    an invalid request at an OAuth 2.0 endpoint; carries the protocol's own error code

`openers.api` turns them into replies. Source: RFC 6749 chapters 4.1.2.1 and 5.2, RFC 6750 chapter 3.1.
"""

from __future__ import annotations

from enum import StrEnum

from openers.domain.errors import Refused


class OAuthError(StrEnum):
    """The OAuth 2.0 error codes that the service returns."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CLIENT = "invalid_client"
    INVALID_TOKEN = "invalid_token"
    INVALID_GRANT = "invalid_grant"
    INVALID_SCOPE = "invalid_scope"
    UNAUTHORIZED_CLIENT = "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    UNSUPPORTED_RESPONSE_TYPE = "unsupported_response_type"
    ACCESS_DENIED = "access_denied"
    LOGIN_REQUIRED = "login_required"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    SERVER_ERROR = "server_error"
    TOO_MANY_REQUESTS = "too_many_requests"


class TokenFault(StrEnum):
    """Why a bearer token is refused. All get the same reply; only the explanation in test mode shows the reason."""

    ABSENT = "no Authorization header with a token was sent"
    SCHEME = "the Authorization header does not use the Bearer scheme"
    MALFORMED = "the Authorization header does not contain exactly one token"
    UNKNOWN = "this world did not issue the token, or has removed it"
    EXPIRED = "the token has expired"
    ENDED = "the session of the token has ended, or the token was revoked"
    OF_ANOTHER_WORLD = "the token was issued in another world"
    OF_NOBODY = "the application or the person of the token is not registered, or no longer active"


class InvalidToken(Refused):
    """The bearer token was never issued, has expired, or its session has ended."""

    source = "rules 2.3"

    def __init__(self, fault: TokenFault = TokenFault.UNKNOWN) -> None:
        """Store `fault`. It is never part of a reply, so that strangers learn nothing about tokens."""
        super().__init__(fault)
        self.fault = fault

    @property
    def is_absent(self) -> bool:
        """Whether the caller sent no bearer token at all."""
        return self.fault in (TokenFault.ABSENT, TokenFault.SCHEME)

    @property
    def expired(self) -> bool:
        """Whether the token was issued but has expired."""
        return self.fault is TokenFault.EXPIRED


class OAuthRefusal(Refused):
    """An OAuth 2.0 endpoint refuses a request. `description` is for the developer of the client."""

    source = "RFC 6749"

    def __init__(self, error: OAuthError, description: str) -> None:
        """Store the error code and its description."""
        super().__init__(error, description)
        self.error, self.description = error, description


class TooManyFailures(OAuthRefusal):
    """The caller has failed too often and must wait. `retry_after_s` is the waiting time in seconds."""

    def __init__(self, retry_after_s: int) -> None:
        """Store the waiting time in seconds."""
        text = f"Too many requests have failed: wait {retry_after_s} s and check the client's credentials"
        super().__init__(OAuthError.TOO_MANY_REQUESTS, text)
        self.retry_after_s = retry_after_s


def invalid_request(description: str) -> OAuthRefusal:
    """Return the refusal of a malformed request."""
    return OAuthRefusal(OAuthError.INVALID_REQUEST, description)


def invalid_client(description: str) -> OAuthRefusal:
    """Return the refusal of a client that is unknown or failed to authenticate."""
    return OAuthRefusal(OAuthError.INVALID_CLIENT, description)


def invalid_grant(description: str) -> OAuthRefusal:
    """Return the refusal of a code or token that is not valid for this client."""
    return OAuthRefusal(OAuthError.INVALID_GRANT, description)
