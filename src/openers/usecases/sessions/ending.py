"""End sessions, and the tokens of people and applications. Every way to end one comes here.

The log-in endpoints and the administration call them in the transaction of the act that ends something. After its
commit the caller drops the cached tokens of its own process (`AccessCache.forget` or `clear`). Every process reads
tokens again after a second, so the end is in force everywhere by then. Applications that took part in an ended session
are told by due work (`tell_log_out`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from hashlib import sha256
from typing import Final

from openers.domain.clock import EPOCH, Instant
from openers.domain.credentials import CredentialKind, Joined, LogOutNotice, Session
from openers.domain.identifiers import UserId
from openers.usecases.ports.transaction import Tx

TELL: Final = "tell log-out"
"""Kind of due work; its key is that of the stored notice."""
TOLD_FOR: Final = timedelta(hours=2)
"""How long an application is told again if it does not answer."""


async def join(tx: Tx, session: Session, joined: Joined) -> None:
    """Record that an application takes part in a session."""
    await tx.credentials.add(CredentialKind.JOINED, _key(session.id, joined), joined, session.ends, session.id)


async def end_session(tx: Tx, session: str, now: Instant) -> None:
    """End a session with all its codes and tokens, as when the smartcard is removed; `now` is of the wall clock."""
    ended = await tx.credentials.get(CredentialKind.SESSION, session, Session)
    if ended is not None and now < ended.ends:
        for joined in await tx.credentials.of_session(CredentialKind.JOINED, session, Joined):
            await _tell(tx, ended, joined, now)
    await tx.credentials.end_session(session)


async def end_person(tx: Tx, user: UserId, now: Instant) -> Collection[str]:
    """End every session of a person who has left or lost a role; return the ids of the sessions."""
    sessions = [each.id for each in await tx.credentials.of_person(CredentialKind.SESSION, user, Session)]
    for session in sessions:
        await end_session(tx, session, now)
    return sessions


async def end_application(tx: Tx, client_id: str) -> None:
    """End every code and token of an application that has ended or acts in another way; sessions of people stay."""
    await tx.credentials.end_application(client_id)


async def _tell(tx: Tx, ended: Session, joined: Joined, now: Instant) -> None:
    """Plan a message to one application, if it has an address for them."""
    application = await tx.directory.application(joined.client_id)
    address = None if application is None else application.told_at(joined.origin)
    if address is None:
        return
    key = _key(ended.id, joined)
    notice = LogOutNotice(client_id=joined.client_id, address=address, user=ended.user, session=ended.id, ended=now)
    if await tx.credentials.add(CredentialKind.LOG_OUT_NOTICE, key, notice, now + TOLD_FOR):
        await tx.due.add(TELL, key, EPOCH)


def _key(session: str, joined: Joined) -> str:
    """Return the key of an application's part in a session, and of the message that it has ended."""
    return sha256("\n".join((session, joined.client_id, joined.origin)).encode()).hexdigest()
