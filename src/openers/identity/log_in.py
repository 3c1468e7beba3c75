"""A log-in, from a client's authorisation request to the code that the client exchanges for tokens.

The authorisation and token endpoints call this module. A waiting log-in is stored under the digest of two secrets: a
handle in the page *and* a secret in the browser's cookie. Therefore no other site can submit the form. Source: RFC 6749
chapter 4.1, RFC 7636 (only S256), RFC 9700.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Final, TypeVar

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import (
    AuthorisationCode,
    AuthorisationRequest,
    CredentialKind,
    Joined,
    Session,
)
from openers.domain.directory import Assurance, User
from openers.domain.identifiers import OdsCode, UserId
from openers.identity.errors import OAuthRefusal, invalid_grant, invalid_request
from openers.identity.opaque import digest, new_secret, same
from openers.identity.redirects import web_origin
from openers.identity.single_sign_on import NO_WISH, Wish
from openers.identity.tokens import SESSION_LIFE, Spent, Tokens, begin_session, end_if_spent, issue_tokens, mark_spent
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.ending import join

CODE_LIFE: Final = timedelta(seconds=60)
PAGE_LIFE: Final = timedelta(minutes=10)
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)

W = TypeVar("W", "WaitingForPerson", "WaitingForUpstream", "WaitingToLogOut")


class WaitingForPerson(msgspec.Struct, frozen=True):
    """An authorisation request that waits on the log-in page for the choice of a person, until `expires`.

    `hinted` is the person whom the application expects.
    """

    request: AuthorisationRequest
    expires: Instant
    hinted: str = ""


class WaitingForUpstream(msgspec.Struct, frozen=True):
    """An authorisation request that waits for a log-in at the upstream provider, until `expires`."""

    request: AuthorisationRequest
    expires: Instant
    nonce: str
    verifier: str
    wish: Wish = NO_WISH


class WaitingToLogOut(msgspec.Struct, frozen=True):
    """A log-out that waits until the person confirms it, until `expires`; then the browser goes to `back_to`."""

    session: str
    back_to: str | None
    expires: Instant


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the log-in page. `organisations` are names; `problem` is the error of the last attempt.
    `hinted` is the person whom the application expects. `people` are those that `sought` finds, or the first of them if
    they are not `complete`."""

    handle: str
    application: str = ""
    people: Sequence[User] = ()
    organisations: Mapping[OdsCode, str] = {}
    problem: str | None = None
    hinted: str = ""
    sought: str = ""
    complete: bool = True


class Redeemed(msgspec.Struct, frozen=True):
    """The result of exchanging a code."""

    tokens: Tokens
    request: AuthorisationRequest
    session: Session


Waiting = WaitingForPerson | WaitingForUpstream | WaitingToLogOut
_KINDS: Final[Mapping[type, CredentialKind]] = {
    WaitingForPerson: CredentialKind.LOG_IN_REQUEST,
    WaitingForUpstream: CredentialKind.UPSTREAM_LOGIN,
    WaitingToLogOut: CredentialKind.LOG_OUT_REQUEST,
}


def challenge_of(verifier: str) -> str:
    """Return the S256 code challenge of a verifier."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def keep_waiting(tx: Tx, waiting: Waiting, browser: str) -> str:
    """Store a waiting log-in or log-out of `browser`; return the handle, which finds it again only once."""
    handle = new_secret()
    await tx.credentials.add(_kind_of(type(waiting)), digest(handle, browser), waiting, waiting.expires)
    return handle


async def take_waiting(tx: Tx, kind: type[W], handle: str, browser: str, now: Instant) -> W:
    """Remove the waiting log-in of this browser under `handle` and return it. Raises OAuthRefusal."""
    return _alive(await tx.credentials.take(_kind_of(kind), digest(handle, browser), kind), now)


async def peek_waiting(tx: Tx, kind: type[W], handle: str, browser: str, now: Instant) -> W:
    """Return the waiting log-in of this browser under `handle` without removing it. Raises OAuthRefusal."""
    return _alive(await tx.credentials.get(_kind_of(kind), digest(handle, browser), kind), now)


def _alive(waiting: W | None, now: Instant) -> W:
    if waiting is None or now >= waiting.expires:
        raise invalid_request("This log-in has expired, was already used, or was begun in another browser.")
    return waiting


def _kind_of(kind: type[Waiting]) -> CredentialKind:
    return _KINDS[kind]


class LoggedIn(msgspec.Struct, frozen=True):
    """A person who has just logged in: how, and when, which an upstream provider may have done earlier."""

    user: UserId
    assurance: Assurance
    authenticated: Instant


async def log_in(tx: Tx, who: LoggedIn, earlier: Session | None, now: Instant) -> Session:
    """Return a person's session, which starts now, or is `earlier` if that one is of the same person.

    So applications into which the same person logs in with one browser share one session, and end together.
    """
    session = new_session(who, now)
    if earlier is not None and earlier.user == who.user:
        session = msgspec.structs.replace(session, id=earlier.id, began=earlier.began)
        await tx.credentials.take(CredentialKind.SESSION, earlier.id, Session)
    await begin_session(tx, session)
    return session


async def issue_code(tx: Tx, request: AuthorisationRequest, session: Session, now: Instant) -> str:
    """Return a code that answers `request` with `session`."""
    code, expires = new_secret(), now + CODE_LIFE
    kept = AuthorisationCode(request=request, session=session, expires=expires)
    await tx.credentials.add(CredentialKind.AUTHORISATION_CODE, digest(code), kept, expires, session.id)
    return code


def new_session(who: LoggedIn, now: Instant) -> Session:
    """Return a session that starts now and has the maximum lifetime."""
    return Session(
        id=new_secret(),
        user=who.user,
        assurance=who.assurance,
        began=now,
        ends=now + SESSION_LIFE,
        authenticated=who.authenticated,
    )


class CodeExchange(msgspec.Struct, frozen=True):
    """The parameters that a client sends to exchange a code."""

    client_id: str
    code: str
    redirect_uri: str
    verifier: str | None


async def redeem_code(tx: Tx, sent: CodeExchange, now: Instant) -> Redeemed | OAuthRefusal:
    """Exchange a code for tokens; the code is then used up.

    If a used code is sent again, its session ends. That refusal is returned, because the change must be committed;
    other refusals are raised.
    """
    key = digest(sent.code)
    code = await tx.credentials.take(CredentialKind.AUTHORISATION_CODE, key, AuthorisationCode)
    if code is None:
        return await end_if_spent(tx, key, "code is unknown or was used before", now)
    if code.request.client_id != sent.client_id:
        raise invalid_grant("code was issued to another client")
    if now >= code.expires:
        raise invalid_grant("code has expired")
    if code.request.redirect_uri != sent.redirect_uri:
        raise invalid_grant("redirect_uri must be that of the authorisation request")
    _check_verifier(code.request.code_challenge, sent.verifier)
    await mark_spent(tx, key, Spent(code.session.id), code.session.ends)
    await join(tx, code.session, Joined(sent.client_id, web_origin(sent.redirect_uri)))
    tokens = await issue_tokens(tx, sent.client_id, code.session, now)
    return Redeemed(tokens, code.request, code.session)


def _check_verifier(challenge: str | None, verifier: str | None) -> None:
    if challenge is None and verifier is None:
        return
    if challenge is None:
        raise invalid_grant("code_verifier was sent, but the authorisation request had no code_challenge")
    if verifier is None or not VERIFIER.fullmatch(verifier) or not same(challenge_of(verifier), challenge):
        raise invalid_grant("code_verifier does not match the code_challenge")
