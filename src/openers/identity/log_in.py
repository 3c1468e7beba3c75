"""A log-in, from the authorisation request of a client to the code that the client exchanges for tokens.

Called by the authorisation and token endpoints. What waits for a browser is kept under the digest of a handle that
is in the page *and* of a secret in the browser's cookie, so that no other site can submit the form.
Source: RFC 6749 chapter 4.1, RFC 7636 (S256 alone), RFC 9700.
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
from openers.domain.credentials import AuthorisationCode, AuthorisationRequest, CredentialKind, Session
from openers.domain.directory import Assurance, User
from openers.domain.identifiers import OdsCode, UserId
from openers.identity.errors import OAuthRefusal, invalid_grant, invalid_request
from openers.identity.opaque import digest, new_secret, same
from openers.identity.tokens import SESSION_LIFE, Tokens, begin_session, end_if_spent, issue_tokens, mark_spent
from openers.usecases.ports.transaction import Tx

CODE_LIFE: Final = timedelta(seconds=60)
PAGE_LIFE: Final = timedelta(minutes=10)
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)

W = TypeVar("W", "WaitingForPerson", "WaitingForUpstream")


class WaitingForPerson(msgspec.Struct, frozen=True):
    """An authorisation request whose page, on which a person is picked, is shown until `expires`."""

    request: AuthorisationRequest
    expires: Instant


class WaitingForUpstream(msgspec.Struct, frozen=True):
    """An authorisation request whose person logs in at the upstream provider until `expires`."""

    request: AuthorisationRequest
    expires: Instant
    nonce: str
    verifier: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the page on which a person is picked shows. `organisations` are names; `problem` is what went wrong."""

    handle: str
    application: str
    people: Sequence[User]
    organisations: Mapping[OdsCode, str]
    problem: str | None = None


class Redeemed(msgspec.Struct, frozen=True):
    """What a code was exchanged for."""

    tokens: Tokens
    request: AuthorisationRequest
    session: Session


def challenge_of(verifier: str) -> str:
    """The S256 code challenge that belongs to a verifier."""
    return base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def keep_waiting(tx: Tx, waiting: WaitingForPerson | WaitingForUpstream, browser: str) -> str:
    """Keep what waits for `browser`; the handle to find it again, once."""
    handle = new_secret()
    await tx.credentials.add(_kind_of(type(waiting)), digest(handle, browser), waiting, waiting.expires)
    return handle


async def take_waiting(tx: Tx, kind: type[W], handle: str, browser: str, now: Instant) -> W:
    """What was waiting for this browser under `handle`, removed. Raises OAuthRefusal."""
    return _alive(await tx.credentials.take(_kind_of(kind), digest(handle, browser), kind), now)


async def peek_waiting(tx: Tx, kind: type[W], handle: str, browser: str, now: Instant) -> W:
    """What is waiting for this browser under `handle`, left where it is. Raises OAuthRefusal."""
    return _alive(await tx.credentials.get(_kind_of(kind), digest(handle, browser), kind), now)


def _alive(waiting: W | None, now: Instant) -> W:
    if waiting is None or now >= waiting.expires:
        raise invalid_request("This log-in has expired, was already used, or was begun in another browser.")
    return waiting


def _kind_of(kind: type[WaitingForPerson | WaitingForUpstream]) -> CredentialKind:
    return CredentialKind.LOG_IN_REQUEST if kind is WaitingForPerson else CredentialKind.UPSTREAM_LOGIN


async def log_in(
    tx: Tx, request: AuthorisationRequest, user: UserId, assurance: Assurance, now: Instant
) -> tuple[str, Session]:
    """Begin a session of `user` and give out the code that answers `request`."""
    session = new_session(user, assurance, now)
    await begin_session(tx, session)
    code, expires = new_secret(), now + CODE_LIFE
    kept = AuthorisationCode(request=request, session=session, expires=expires)
    await tx.credentials.add(CredentialKind.AUTHORISATION_CODE, digest(code), kept, expires, session.id)
    return code, session


def new_session(user: UserId, assurance: Assurance, now: Instant) -> Session:
    """A session that begins now and lives as long as one may."""
    return Session(id=new_secret(), user=user, assurance=assurance, began=now, ends=now + SESSION_LIFE)


class CodeExchange(msgspec.Struct, frozen=True):
    """What a client sends to exchange a code."""

    client_id: str
    code: str
    redirect_uri: str
    verifier: str | None


async def redeem_code(tx: Tx, sent: CodeExchange, now: Instant) -> Redeemed | OAuthRefusal:
    """Tokens for a code, which is used up.

    Turning up again ends its session. That refusal is returned, for it has to be committed; others are raised.
    """
    key = digest(sent.code)
    code = await tx.credentials.take(CredentialKind.AUTHORISATION_CODE, key, AuthorisationCode)
    if code is None:
        return await end_if_spent(tx, key, "code is unknown or was used before")
    if code.request.client_id != sent.client_id:
        raise invalid_grant("code was issued to another client")
    if now >= code.expires:
        raise invalid_grant("code has expired")
    if code.request.redirect_uri != sent.redirect_uri:
        raise invalid_grant("redirect_uri must be that of the authorisation request")
    _check_verifier(code.request.code_challenge, sent.verifier)
    await mark_spent(tx, key, code.session)
    tokens = await issue_tokens(tx, sent.client_id, code.session, now)
    return Redeemed(tokens, code.request, code.session)


def _check_verifier(challenge: str | None, verifier: str | None) -> None:
    if challenge is None and verifier is None:
        return
    if challenge is None:
        raise invalid_grant("code_verifier was sent, but the authorisation request had no code_challenge")
    if verifier is None or not VERIFIER.fullmatch(verifier) or not same(challenge_of(verifier), challenge):
        raise invalid_grant("code_verifier does not match the code_challenge")
