"""Single sign-on: which session a browser has, and whether it answers an authorisation request without a question.

The browser's cookie holds a secret, and the session is stored under its digest. Each log-in creates a new secret, so a
value that somebody put into the browser beforehand never becomes a session. Source: OpenID Connect Core chapter
3.1.2.1.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openers.domain.clock import Instant
from openers.domain.credentials import Application, CredentialKind, Session
from openers.identity.opaque import digest, new_secret
from openers.usecases.ports.transaction import Tx

NONE: Final = "none"
ASKING: Final = frozenset({"login", "consent", "select_account"})
"""Values of `prompt` for which the person is asked. The page names the application and the person chooses who logs in,
so the one page answers all of them.
"""
PROMPTS: Final = frozenset({NONE, *ASKING})


class Wish(msgspec.Struct, frozen=True):
    """What an application wishes of a log-in: values of `prompt`, the maximum age in seconds, and the person."""

    prompts: frozenset[str] = frozenset()
    max_age_s: int | None = None
    person: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether the person must not be asked."""
        return NONE in self.prompts

    @property
    def asks(self) -> bool:
        """Whether the person must be asked."""
        return bool(self.prompts & ASKING)

    def is_met_by(self, session: Session, now: Instant) -> bool:
        """Return whether a log-in of this session will do without a question."""
        age_s = (now - session.asked_at).total_seconds()
        is_young = self.max_age_s is None or age_s <= self.max_age_s
        return is_young and not self.asks and self.person in ("", str(session.user))


NO_WISH: Final = Wish()


def passes(application: Application, wish: Wish, session: Session, now: Instant) -> bool:
    """Return whether the person of a browser's session enters the application without a question."""
    return (application.single_sign_on or wish.is_silent) and wish.is_met_by(session, now)


async def remember_browser(tx: Tx, session: Session) -> str:
    """Store that a browser has this session; return the new secret of its cookie."""
    secret = new_secret()
    await tx.credentials.add(CredentialKind.BROWSER, digest(secret), session, session.ends, session.id)
    return secret


async def session_of_browser(tx: Tx, secret: str | None, now: Instant) -> Session | None:
    """Return the session of the browser with this secret, unless it has ended."""
    if secret is None:
        return None
    session = await tx.credentials.get(CredentialKind.BROWSER, digest(secret), Session)
    return session if session is not None and now < session.ends else None


async def forget_browser(tx: Tx, secret: str | None) -> None:
    """Remove the record of a browser, whose secret is replaced."""
    if secret is not None:
        await tx.credentials.take(CredentialKind.BROWSER, digest(secret), Session)
