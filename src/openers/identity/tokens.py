"""Access and refresh tokens: issue, open, refresh and end them. They are opaque and stored under their SHA-256.

The token endpoint calls this module, and `openers.identity.access` for every request. Functions take the transaction
that they work in and the time of the wall clock. Source: rules chapter 2.2, RFC 6749, RFC 9700.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import CredentialKind, Grant, Session
from openers.identity.errors import InvalidToken, OAuthRefusal, TokenFault, invalid_grant
from openers.identity.opaque import digest, new_secret
from openers.usecases.ports.transaction import Tx
from openers.usecases.sessions.ending import end_session

TOKEN_LIFE: Final = timedelta(seconds=600)
SESSION_LIFE: Final = timedelta(hours=12)
GRACE: Final = timedelta(seconds=10)
"""How long after its use a refresh token may be sent once more."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens that a client receives, with their secrets readable. `grant` is the grant of the access token."""

    access_token: str
    grant: Grant
    refresh_token: str | None = None


class Spent(msgspec.Struct, frozen=True):
    """The record of a used code or refresh token; its session ends if the secret is sent again.

    A refresh token may be sent a second time within `GRACE`, since its client may have stopped before it saved the
    reply. `client_id` and `at` say who used it and when; `successor` is the digest of the refresh token in the reply.
    """

    session: str
    client_id: str = ""
    at: Instant | None = None
    successor: str = ""

    def is_forgiven(self, client_id: str, now: Instant) -> bool:
        """Return whether the same client may use the secret a second time now."""
        return bool(self.successor) and self.client_id == client_id and self.at is not None and now - self.at < GRACE


async def issue_tokens(tx: Tx, client_id: str, session: Session | None, now: Instant, refreshes: int = 0) -> Tokens:
    """Issue an access token and, if a person is logged in, a refresh token that lives as long as the session."""
    access, sid = new_secret(), session.id if session else ""
    ends = now + TOKEN_LIFE if session is None else min(now + TOKEN_LIFE, session.ends)
    grant = Grant(client_id=client_id, expires=ends, session=session, refreshes=refreshes)
    await tx.credentials.add(CredentialKind.ACCESS_TOKEN, digest(access), grant, ends, sid)
    if session is None:
        return Tokens(access_token=access, grant=grant)
    refresh = new_secret()
    kept = msgspec.structs.replace(grant, expires=session.ends)
    await tx.credentials.add(CredentialKind.REFRESH_TOKEN, digest(refresh), kept, session.ends, sid)
    return Tokens(access_token=access, grant=grant, refresh_token=refresh)


async def open_access_token(token: str, tx: Tx, now: Instant) -> Grant:
    """Return the grant of `token`. Raises InvalidToken."""
    grant = await tx.credentials.get(CredentialKind.ACCESS_TOKEN, digest(token), Grant)
    if grant is None or now >= grant.expires:
        raise InvalidToken(TokenFault.UNKNOWN if grant is None else TokenFault.EXPIRED)
    return grant


async def refresh_tokens(tx: Tx, token: str, client_id: str, now: Instant) -> Tokens | OAuthRefusal:
    """Exchange a refresh token for new tokens; it is then used up.

    If a used refresh token is sent again, its session ends, unless it is forgiven (`Spent`). That change must be
    committed, so the refusal of a used or unknown token is returned; other refusals are raised.
    """
    key = digest(token)
    grant = await tx.credentials.take(CredentialKind.REFRESH_TOKEN, key, Grant)
    if grant is None:
        forgiven = await _forgive(tx, key, client_id, now)
        if forgiven is not None:
            return forgiven
        return await end_if_spent(
            tx, key, "refresh_token is unknown, or was used before, or its session has ended", now
        )
    if grant.client_id != client_id:
        raise invalid_grant("refresh_token was issued to another client")
    if grant.session is None or now >= grant.expires:
        raise invalid_grant("refresh_token has expired")
    tokens = await issue_tokens(tx, client_id, grant.session, now, grant.refreshes + 1)
    spent = Spent(grant.session.id, client_id, now, digest(tokens.refresh_token or ""))
    await mark_spent(tx, key, spent, grant.session.ends)
    return tokens


async def _forgive(tx: Tx, key: str, client_id: str, now: Instant) -> Tokens | None:
    """Return new tokens for a refresh token that the same client sends once more, before it used the successor."""
    spent = await tx.credentials.get(CredentialKind.SPENT, key, Spent)
    if spent is None or not spent.is_forgiven(client_id, now):
        return None
    unused = await tx.credentials.get(CredentialKind.REFRESH_TOKEN, spent.successor, Grant)
    if unused is None or unused.session is None:
        return None
    if await tx.credentials.take(CredentialKind.SPENT, key, Spent) is None:
        return None  # another call was forgiven meanwhile
    await mark_spent(tx, key, Spent(spent.session), unused.session.ends)
    return await issue_tokens(tx, client_id, unused.session, now, unused.refreshes)


async def mark_spent(tx: Tx, key: str, spent: Spent, until: Instant) -> None:
    """Record until the session's latest end that the secret stored under `key` was used."""
    await tx.credentials.add(CredentialKind.SPENT, key, spent, until, spent.session)


async def end_if_spent(tx: Tx, key: str, description: str, now: Instant) -> OAuthRefusal:
    """Return the refusal for a secret not found under `key`; if it was used before, also end its session."""
    spent = await tx.credentials.get(CredentialKind.SPENT, key, Spent)
    if spent is not None:
        await end_session(tx, spent.session, now)
    return SessionEnded(spent.session, description) if spent else invalid_grant(description)


class SessionEnded(OAuthRefusal):
    """A code or refresh token was used twice, so its session was ended."""

    def __init__(self, session: str, description: str) -> None:
        """Store the id of the ended session."""
        refusal = invalid_grant(description)
        super().__init__(refusal.error, refusal.description)
        self.session = session


async def begin_session(tx: Tx, session: Session) -> None:
    """Store the session of a new log-in."""
    await tx.credentials.add(CredentialKind.SESSION, session.id, session, session.ends, session.id)


async def open_session(tx: Tx, session: str, now: Instant) -> Session:
    """Return the active session with this id. Raises OAuthRefusal."""
    kept = await tx.credentials.get(CredentialKind.SESSION, session, Session)
    if kept is None or now >= kept.ends:
        raise invalid_grant("the session has ended")
    return kept


async def revoke(tx: Tx, token: str, client_id: str, now: Instant) -> str | None:
    """Revoke an access or refresh token of this client, with its session if any; return the ended session's id."""
    key = digest(token)
    for kind in (CredentialKind.ACCESS_TOKEN, CredentialKind.REFRESH_TOKEN):
        grant = await tx.credentials.get(kind, key, Grant)
        if grant is None or grant.client_id != client_id:
            continue
        await tx.credentials.take(kind, key, Grant)
        if grant.session is not None:
            await end_session(tx, grant.session.id, now)
            return grant.session.id
    return None
