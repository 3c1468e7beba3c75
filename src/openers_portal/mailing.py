"""Send the messages of the store: by SMTP in production; in test mode they stay in the store, and a page shows them."""

from __future__ import annotations

import logging
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread

from openers_portal.rules.endpoints import expiry
from openers_portal.rules.mail import Sending, message
from openers_portal.store.mails import MOST_RESTING
from openers_portal.store.portal_store import PortalStore

PAUSE_S: Final = 2.0
TIMEOUT_S: Final = 20.0
PURGE_EVERY: Final = 1800
"""Pauses between two deletions of old records."""
PORTS: Final = {"smtp": 587, "smtps": 465}
Send = Callable[[EmailMessage], None]
SHORTEST_REST_S, LONGEST_REST_S = 60.0, 3600.0
_LOG: Final = logging.getLogger("openers_portal")


class NotNow(Exception):
    """The server has certainly not taken a message, and may take it later."""


class Later(Exception):
    """The mail server refuses this message for now; it may take others."""


class Resting:
    """Messages that the mail server refused for now. Each rests for a minute, then for twice as long, up to an hour."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` returns seconds."""
        self._clock = clock
        self._until: dict[int, tuple[float, float]] = {}

    def refused(self, id: int) -> None:
        """Let a message rest."""
        _, before = self._until.get(id, (0.0, SHORTEST_REST_S / 2))
        rest = min(before * 2, LONGEST_REST_S)
        self._until[id] = (self._clock() + rest, rest)
        if len(self._until) > MOST_RESTING:
            del self._until[min(self._until, key=lambda each: self._until[each])]

    def ended(self, id: int) -> None:
        """Forget a message that needs no rest any more."""
        self._until.pop(id, None)

    def ids(self) -> list[int]:
        """Return the messages that rest now."""
        return [id for id, (until, _) in self._until.items() if until > self._clock()]


class Smtp(NamedTuple):
    """A mail server: `smtp://` is encrypted by STARTTLS, `smtps://` from the beginning."""

    url: str

    def send(self, made: EmailMessage) -> None:
        """Send a message. Raises NotNow, Later, OSError, smtplib.SMTPException."""
        try:
            server = self._opened()
        except (OSError, smtplib.SMTPException) as error:
            raise NotNow(type(error).__name__) from error
        with server:
            try:
                server.send_message(made)
            except smtplib.SMTPResponseException as error:
                if _is_passing(error.smtp_code):
                    raise Later(f"{error.smtp_code}") from error
                raise
            except smtplib.SMTPRecipientsRefused as error:
                codes = [code for code, _ in error.recipients.values()]
                if all(_is_passing(code) for code in codes):
                    raise Later(", ".join(map(str, codes))) from error
                raise

    def _opened(self) -> smtplib.SMTP:
        """Return a connection that may send. Raises OSError, smtplib.SMTPException."""
        parts = urlsplit(self.url)
        encryption = ssl.create_default_context()  # smtplib's own would accept any certificate
        place = (parts.hostname or "", parts.port or PORTS[parts.scheme])
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(*place, timeout=TIMEOUT_S, context=encryption)
        else:
            server = smtplib.SMTP(*place, timeout=TIMEOUT_S)
        if parts.scheme == "smtp" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
            server.starttls(context=encryption)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        return server


def _is_passing(code: int) -> bool:
    """Return whether a reply of a mail server is a refusal for now (RFC 5321, 4.2.1)."""
    return code // 100 == 4


async def send_always(store: PortalStore, send: Send | None, sender: str, base_url: str) -> None:
    """Send waiting messages, delete old records, and warn of certificates that end soon, until cancelled.

    Without `send`, messages count as sent. `base_url` is the address of the portal.
    """
    host, resting = urlsplit(base_url).hostname or "localhost", Resting()
    pauses = 0
    while True:
        try:
            while await send_one(store, send, Sender(sender, host), resting):
                pass
            if pauses % PURGE_EVERY == 0:
                await store.mails.purge()
                await store.interests.purge()
                await store.desk_questions.purge()
                await warn(store, base_url)
        except Exception as error:
            _LOG.warning("mail waits: %s", type(error).__name__)
        pauses += 1
        await anyio.sleep(PAUSE_S)


async def warn(store: PortalStore, base_url: str) -> None:
    """Store a message to the contact of each endpoint whose last certificate ends soon, once for a certificate."""
    async for partner, product, endpoint in store.endpoints.ending():
        found = await store.partners.partner(partner)
        if found is not None:
            page = f"{base_url}/partners/{partner}/products/{product}/endpoints/{endpoint.asid}"
            await store.mails.send(expiry(found.partner.email, endpoint, page), f"expiry {endpoint.valid[-1].serial}")


class Sender(NamedTuple):
    """The address from which messages come, and the portal's host name."""

    address: str
    host: str


async def send_one(store: PortalStore, send: Send | None, sender: Sender, resting: Resting) -> bool:
    """Send the oldest message that waits and does not rest; return false if there is none, or no server now."""
    taken = await store.mails.take(resting.ids())
    if taken is None:
        return False
    state = Sending.SENT
    if send is not None:
        try:
            await anyio.to_thread.run_sync(send, message(taken.mail, sender.address, taken.id, sender.host))
        except (NotNow, Later) as error:
            _LOG.warning("message %d waits: %s", taken.id, error)
            if isinstance(error, Later):
                resting.refused(taken.id)
            if await store.mails.again(taken):
                resting.ended(taken.id)
            return isinstance(error, Later)
        except (OSError, smtplib.SMTPException, ValueError) as error:  # ValueError: a text that no header can have
            _LOG.warning("message %d was not sent: %s", taken.id, type(error).__name__)
            state = Sending.FAILED
    resting.ended(taken.id)
    await store.mails.ended(taken.id, state)
    return True
