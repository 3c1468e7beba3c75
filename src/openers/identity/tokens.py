"""Access and refresh tokens: issued, opened, refreshed and ended. Opaque, and stored under their SHA-256.

Called by the token endpoint and, for every request, through `openers.identity.access`. Functions take the
transaction they work in and the time of the wall clock. Source: rules chapter 2.2, RFC 6749, RFC 9700.
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

TOKEN_LIFE: Final = timedelta(seconds=600)
SESSION_LIFE: Final = timedelta(hours=12)


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a client receives, the secrets in it still readable. `grant` is what the access token stands for."""

    access_token: str
    grant: Grant
    refresh_token: str | None = None


class Spent(msgspec.Struct, frozen=True):
    """The trace of a code or refresh token that was used up: whose session ends if it turns up again."""

    session: str


async def issue_tokens(tx: Tx, client_id: str, session: Session | None, now: Instant, refreshes: int = 0) -> Tokens:
    """A fresh access token and, where a person is logged in, a refresh token that lives as long as the session."""
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
    """What `token` stands for. Raises InvalidToken."""
    grant = await tx.credentials.get(CredentialKind.ACCESS_TOKEN, digest(token), Grant)
    if grant is None or now >= grant.expires:
        raise InvalidToken(TokenFault.UNKNOWN if grant is None else TokenFault.EXPIRED)
    return grant


async def refresh_tokens(tx: Tx, token: str, client_id: str, now: Instant) -> Tokens | OAuthRefusal:
    """New tokens for a refresh token, which is used up.

    Turning up again ends its session. That refusal is returned, for it has to be committed; others are raised.
    """
    key = digest(token)
    grant = await tx.credentials.take(CredentialKind.REFRESH_TOKEN, key, Grant)
    if grant is None:
        return await end_if_spent(tx, key, "refresh_token is unknown, or was used before, or its session has ended")
    if grant.client_id != client_id:
        raise invalid_grant("refresh_token was issued to another client")
    if grant.session is None or now >= grant.expires:
        raise invalid_grant("refresh_token has expired")
    await mark_spent(tx, key, grant.session)
    return await issue_tokens(tx, client_id, grant.session, now, grant.refreshes + 1)


async def mark_spent(tx: Tx, key: str, session: Session) -> None:
    """Remember, for as long as the session may live, that what was kept under `key` has been used."""
    await tx.credentials.add(CredentialKind.SPENT, key, Spent(session.id), session.ends, session.id)


async def end_if_spent(tx: Tx, key: str, description: str) -> OAuthRefusal:
    """The refusal of something not found under `key`; if it was used before, its session is ended with it."""
    spent = await tx.credentials.get(CredentialKind.SPENT, key, Spent)
    if spent is not None:
        await end_session(tx, spent.session)
    return SessionEnded(spent.session, description) if spent else invalid_grant(description)


class SessionEnded(OAuthRefusal):
    """A code or refresh token was used twice, so the session that it belongs to was ended."""

    def __init__(self, session: str, description: str) -> None:
        """`session` is the one that was ended."""
        refusal = invalid_grant(description)
        super().__init__(refusal.error, refusal.description)
        self.session = session


async def begin_session(tx: Tx, session: Session) -> None:
    """Keep a session that a log-in began."""
    await tx.credentials.add(CredentialKind.SESSION, session.id, session, session.ends, session.id)


async def open_session(tx: Tx, session: str, now: Instant) -> Session:
    """The living session with this id. Raises OAuthRefusal."""
    kept = await tx.credentials.get(CredentialKind.SESSION, session, Session)
    if kept is None or now >= kept.ends:
        raise invalid_grant("the session has ended")
    return kept


async def end_session(tx: Tx, session: str) -> None:
    """End a session with all its codes and tokens, as when the smartcard is removed."""
    await tx.credentials.end_session(session)


async def revoke(tx: Tx, token: str, client_id: str) -> str | None:
    """Revoke an access or refresh token of this client, with its session if it has one; the ended session's id."""
    key = digest(token)
    for kind in (CredentialKind.ACCESS_TOKEN, CredentialKind.REFRESH_TOKEN):
        grant = await tx.credentials.get(kind, key, Grant)
        if grant is None or grant.client_id != client_id:
            continue
        await tx.credentials.take(kind, key, Grant)
        if grant.session is not None:
            await end_session(tx, grant.session.id)
            return grant.session.id
    return None
