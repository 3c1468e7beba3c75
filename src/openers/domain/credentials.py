"""Stored records of log-ins: registered applications, sessions, and the grants behind tokens and codes.

These are only values; `openers.identity` issues and checks them. They hold no secrets: tokens, codes and client secrets
are stored as their SHA-256. Source: rules chapter 2.2, OAuth 2.0 (RFC 6749), OpenID Connect Core.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from openers.domain.clock import Instant
from openers.domain.directory import Assurance
from openers.domain.identifiers import OdsCode, UserId
from openers.domain.principal import BusinessFunction


class AccessMode(StrEnum):
    """Whether an application acts for a logged-in person or for itself."""

    USER_RESTRICTED = "user-restricted"
    APPLICATION_RESTRICTED = "application-restricted"


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """One registered application with the attributes of its registration.

    An application-restricted one acts as `function` at `organisation` under the pseudo user id `user`. `keys` is its
    public JSON Web Key Set; with `jwks_uri` the set is fetched from there instead. `secret_sha256` is for clients that
    use a secret (hexadecimal). One that is not `active` gets no tokens, and its tokens are not accepted. One that
    `administers` may call the administration.

    With `single_sign_on` a person who has logged in with the same browser is not asked again. `log_out_uri` receives a
    message when a session ends in which the application took part; a path there is at the origin of the redirect
    address of the log-in. After a log-out the browser may return to one of `log_out_redirect_uris`.
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
    jwks_uri: str | None = None
    administers: bool = False
    active: bool = True
    single_sign_on: bool = False
    log_out_uri: str | None = None
    log_out_redirect_uris: tuple[str, ...] = ()

    def told_at(self, origin: str) -> str | None:
        """Return the address for log-out messages, if it has one. `origin` is that of its log-in's redirect address."""
        if self.log_out_uri is None or not self.log_out_uri.startswith("/"):
            return self.log_out_uri
        return f"{origin}{self.log_out_uri}" if origin else None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One smartcard or CIS2 session of a person: how the person logged in, and until when it may be refreshed.

    All applications share it into which the person logs in with the same browser. `authenticated` is the latest instant
    at which the person was asked to log in, if that was not when the session began.
    """

    id: str
    user: UserId
    assurance: Assurance
    began: Instant
    ends: Instant
    authenticated: Instant | None = None

    @property
    def asked_at(self) -> Instant:
        """Return when the person last logged in, not merely passed through by single sign-on."""
        return self.authenticated or self.began


class Joined(msgspec.Struct, frozen=True):
    """An application that takes part in a session, and the origin of the address to which its log-in returned."""

    client_id: str
    origin: str = ""


class LogOutNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A message to an application that a session has ended in which it took part."""

    client_id: str
    address: str
    user: UserId
    session: str
    ended: Instant


class InsertedCard(msgspec.Struct, frozen=True, kw_only=True):
    """The smartcard in the reader of a world: whose it is, and since when log-ins rest on it.

    `ticket` is the log-in token that the reader has issued for it, if any: only in test mode, which plays the reader.
    """

    user: UserId
    since: Instant
    ticket: str = ""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """The grant behind an access or refresh token: an application and, in user-restricted mode, a person's session."""

    client_id: str
    expires: Instant
    session: Session | None = None
    refreshes: int = 0


class AuthorisationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a client's authorisation request, stored until its code is exchanged."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None


class AuthorisationCode(msgspec.Struct, frozen=True, kw_only=True):
    """The record behind an authorisation code: the client's request and the session that the log-in started."""

    request: AuthorisationRequest
    session: Session
    expires: Instant


class CredentialKind(StrEnum):
    """The kind of a stored credential. Kinds are separate, so that a credential of one kind never passes as another."""

    ACCESS_TOKEN = "access_token"
    REFRESH_TOKEN = "refresh_token"
    AUTHORISATION_CODE = "authorisation_code"
    LOG_IN_REQUEST = "log_in_request"
    UPSTREAM_LOGIN = "upstream_login"
    SPENT = "spent"
    ASSERTION_ID = "assertion_id"
    SESSION = "session"
    BROWSER = "browser"
    JOINED = "joined"
    LOG_OUT_REQUEST = "log_out_request"
    LOG_OUT_NOTICE = "log_out_notice"
    IDEMPOTENCY_KEY = "idempotency_key"
    CARD = "card"
    TICKET = "ticket"
    PROFESSIONAL_SESSION = "professional_session"
