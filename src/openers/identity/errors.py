"""What log-in and tokens are refused for.

    Refused
      InvalidToken    a bearer token that stands for nothing (any more)
      OAuthRefusal    a request at an OAuth 2.0 endpoint that can't be met; carries the protocol's own error code

`openers.api` turns them into replies. Source: RFC 6749 chapters 4.1.2.1 and 5.2, RFC 6750 chapter 3.1.
"""

from __future__ import annotations

from enum import StrEnum

from openers.domain.errors import Refused


class OAuthError(StrEnum):
    """The error codes of OAuth 2.0 that the service gives."""

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
    """Why a bearer token is refused. The reply is the same for all; test mode's explanation tells them apart."""

    ABSENT = "no Authorization header with a token was sent"
    SCHEME = "the Authorization header has another scheme than Bearer"
    MALFORMED = "the Authorization header does not hold one token"
    UNKNOWN = "the token was not issued here, or was removed since"
    EXPIRED = "the token has expired"
    ENDED = "the session of the token has ended, or the token was revoked"
    OF_ANOTHER_WORLD = "the token was issued in another world"
    OF_NOBODY = "the application or the person of the token is not registered, or no longer active"


class InvalidToken(Refused):
    """The bearer token was never issued, has expired, or its session has ended."""

    source = "rules 2.3"

    def __init__(self, fault: TokenFault = TokenFault.UNKNOWN) -> None:
        """`fault` is never part of a reply: a stranger learns nothing about tokens."""
        super().__init__(fault)
        self.fault = fault

    @property
    def is_absent(self) -> bool:
        """Whether the caller sent no bearer token at all."""
        return self.fault in (TokenFault.ABSENT, TokenFault.SCHEME)

    @property
    def expired(self) -> bool:
        """Whether the token was issued, and its time is over."""
        return self.fault is TokenFault.EXPIRED


class OAuthRefusal(Refused):
    """A request at an OAuth 2.0 endpoint is refused. `description` is for the developer of the client."""

    source = "RFC 6749"

    def __init__(self, error: OAuthError, description: str) -> None:
        """Which error, and why in words."""
        super().__init__(error, description)
        self.error, self.description = error, description


class TooManyFailures(OAuthRefusal):
    """The caller has failed too often to be heard now. `retry_after_s` is how long it must wait, in seconds."""

    def __init__(self, retry_after_s: int) -> None:
        """How long to wait."""
        text = f"Too many requests have failed: wait {retry_after_s} s and check the client's credentials"
        super().__init__(OAuthError.TOO_MANY_REQUESTS, text)
        self.retry_after_s = retry_after_s


def invalid_request(description: str) -> OAuthRefusal:
    """The request is malformed."""
    return OAuthRefusal(OAuthError.INVALID_REQUEST, description)


def invalid_client(description: str) -> OAuthRefusal:
    """The client is unknown or did not prove who it is."""
    return OAuthRefusal(OAuthError.INVALID_CLIENT, description)


def invalid_grant(description: str) -> OAuthRefusal:
    """The code or token that is exchanged is not valid for this client."""
    return OAuthRefusal(OAuthError.INVALID_GRANT, description)
