"""What is kept of log-ins: registered applications, sessions, and what tokens and codes stand for.

Values only; issuing and checking is `openers.identity`. Nothing secret is in them: tokens and codes are kept under
their SHA-256, client secrets too. Source: rules chapter 2.2, OAuth 2.0 (RFC 6749), OpenID Connect Core.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.clock import Instant
from openers.domain.directory import Assurance
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction


class AccessMode(StrEnum):
    """Whether an application acts for a person who is logged in, or by itself."""

    USER_RESTRICTED = "user-restricted"
    APPLICATION_RESTRICTED = "application-restricted"


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """One registered application and the attributes that its registration gives it.

    An application-restricted one acts as `function` at `organisation` under the pseudo user id `user`.
    `keys` is its public JSON Web Key Set; `secret_sha256` is for clients that use a secret (hexadecimal).
    """

    client_id: str
    name: str
    mode: AccessMode
    asid: str | None
    keys: dict[str, list[dict[str, str]]] = {}
    secret_sha256: str | None = None
    redirect_uris: tuple[str, ...] = ()
    organisation: OdsCode | None = None
    function: BusinessFunction | None = None
    user: UserId | None = None
    test_only: bool = False


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One smartcard or CIS2 session of a person: how they logged in, and until when it may be refreshed."""

    id: str
    user: UserId
    assurance: Assurance
    began: Instant
    ends: Instant


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What an access or refresh token stands for: an application, and a person's session in user-restricted mode."""

    client_id: str
    expires: Instant
    session: Session | None = None
    refreshes: int = 0


class AuthorisationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asked for at the authorisation endpoint, kept until its code is exchanged."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None


class AuthorisationCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a code stands for: the request it answers and the session that was begun."""

    request: AuthorisationRequest
    session: Session
    expires: Instant


class CredentialKind(StrEnum):
    """What a stored credential is. Kept apart so that one can never be used for another."""

    ACCESS_TOKEN = "access_token"
    REFRESH_TOKEN = "refresh_token"
    AUTHORISATION_CODE = "authorisation_code"
    LOG_IN_REQUEST = "log_in_request"
    UPSTREAM_LOGIN = "upstream_login"
    SPENT = "spent"
    ASSERTION_ID = "assertion_id"
    SESSION = "session"
